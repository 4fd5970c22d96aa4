/* The respondent's page, a little smoother: ES5, never needed, without a word of its own. */
(function () {
  'use strict';
  var WEEK = 7 * 24 * 3600 * 1000;
  var PREFIX = 'ballot-draft:';
  var SENT = 'ballot-sent';

  function one(selector, root) { return (root || document).querySelector(selector); }
  function each(list, visit) { for (var i = 0; i < list.length; i += 1) { visit(list[i]); } }
  function all(selector, root, visit) { each((root || document).querySelectorAll(selector), visit); }

  /* Private windows and full phones refuse storage: the page then works without drafts. */
  function storing(use) { try { return use(window.localStorage, window.sessionStorage); } catch (e) { return null; } }

  function forgetOldDrafts() {
    storing(function (local) {
      each(Object.keys(local), function (key) {
        if (key.indexOf(PREFIX) !== 0) { return; }
        var draft = JSON.parse(local.getItem(key));
        if (!draft || !(Date.now() - draft.at < WEEK)) { local.removeItem(key); }
      });
    });
  }

  /* A page that was sent and did not come back to be completed leaves nothing on the phone. */
  function forgetSent(current) {
    storing(function (local, session) {
      var sent = session.getItem(SENT);
      if (!sent || sent === current) { return; }
      local.removeItem(sent);
      session.removeItem(SENT);
    });
  }

  function isChoice(input) { return input.type === 'radio' || input.type === 'checkbox'; }

  function saveDraft(form, key) {
    var values = [];
    each(form.elements, function (input) {
      if (isChoice(input) && input.checked) { values.push([input.name, input.value]); }
    });
    storing(function (local) { local.setItem(key, JSON.stringify({ at: Date.now(), values: values })); });
  }

  function readDraft(key) {
    return storing(function (local) { return JSON.parse(local.getItem(key)).values; }) || [];
  }

  function restoreDraft(form, key) {
    var wanted = {};
    var restored = false;
    each(readDraft(key), function (pair) { wanted[pair.join('=')] = true; });
    each(form.elements, function (input) {
      if (isChoice(input) && wanted[input.name + '=' + input.value]) { input.checked = restored = true; }
    });
    one('.restored').hidden = !restored;
  }

  function showCount(form) {
    var line = one('[data-count]', form);
    var total = 0;
    var n = 0;
    all('fieldset[data-item]', form, function (item) {
      total += 1;
      if (one('input:checked', item)) { n += 1; }
    });
    line.textContent = line.getAttribute('data-count').replace('{n}', n).replace('{total}', total);
    line.hidden = false;
  }

  function forgive(input) {
    var item = input.parentNode.parentNode;
    var note = one('legend em', item);
    if (note) { note.parentNode.removeChild(note); item.className = ''; }
  }

  /* A link of the summary leads to its question; the keyboard follows to the first answer. */
  function followLink(link) {
    link.addEventListener('click', function () {
      var item = document.getElementById(decodeURIComponent(link.hash.slice(1)));
      setTimeout(function () { one('input', item).focus({ preventScroll: true }); }, 0);
    });
  }

  function ballot(form) {
    var key = PREFIX + (form.getAttribute('data-draft') || form.elements.form.value);
    forgetSent(key);
    /* What the server sent back wins over the draft. */
    if (!one('fieldset input:checked', form)) { restoreDraft(form, key); }
    showCount(form);
    form.addEventListener('change', function (event) {
      if (!isChoice(event.target)) { return; }
      if (event.target.type === 'radio') { forgive(event.target); }
      saveDraft(form, key);
      showCount(form);
    });
    one('.restored button').addEventListener('click', function () {
      storing(function (local) { local.removeItem(key); });
      form.reset();
      one('.restored').hidden = true;
      showCount(form);
    });
    form.addEventListener('submit', function () { storing(function (local, session) { session.setItem(SENT, key); }); });
  }

  /* The button is marked, not disabled: a disabled button would not be sent with the form. */
  function sendOnce(form) {
    var button = one('[type=submit]', form);
    var label = button.textContent;
    var busy = false;
    function ready() {
      busy = false;
      button.textContent = label;
      button.removeAttribute('aria-disabled');
    }
    form.addEventListener('submit', function (event) {
      if (busy) { event.preventDefault(); return; }
      busy = true;
      button.textContent = form.getAttribute('data-sending');
      button.setAttribute('aria-disabled', 'true');
      setTimeout(ready, 20000);
    });
    /* Back in WeChat shows the page as it was left. */
    window.addEventListener('pageshow', function (event) { if (event.persisted) { ready(); } });
  }

  /* The code of a QR link stands behind the #, where no log sees it; take it out of the address, too. */
  function entry(form) {
    var field = form.elements.code;
    function take() {
      var code = location.hash.slice(1);
      if (!code) { return; }
      history.replaceState(null, '', location.pathname + location.search);
      field.value = code;
      form.submit();
    }
    field.addEventListener('input', function () {
      var plain = field.value.replace(/[\s-]/g, '');
      if (field.selectionEnd !== field.value.length || !/^[A-Za-z0-9]+$/.test(plain)) { return; }
      field.value = plain.toUpperCase().match(/.{1,4}/g).join(' ');
    });
    window.addEventListener('hashchange', take);
    window.addEventListener('pageshow', function (event) { if (event.persisted) { field.value = ''; } });
    take();
  }

  function typeSize(link) {
    link.addEventListener('click', function (event) {
      var big = document.body.className !== 'big';
      event.preventDefault();
      document.body.className = big ? 'big' : '';
      link.textContent = link.getAttribute(big ? 'data-normal' : 'data-big');
      link.href = big ? '?big=0' : '?big=1';
      document.cookie = 'big=' + (big ? 1 : 0) + ';path=/;max-age=31536000;SameSite=Lax' + (location.protocol === 'https:' ? ';Secure' : '');
    });
  }

  forgetOldDrafts();
  all('[data-clear]', null, function () { forgetSent(); });
  all('[data-big]', null, typeSize);
  all('form[data-relation]', null, ballot);
  all('form[data-sending]', null, sendOnce);
  all('form[data-entry]', null, entry);
  all('.summary a', null, followLink);
  all('[role=alert]', null, function (summary) { summary.focus(); });
}());
