/* The respondent's page, a little smoother: ES5, never needed, without a word of its own. */
(function () {
  'use strict';
  var WEEK = 7 * 24 * 3600 * 1000;
  var PREFIX = 'ballot-draft:';
  var SENT = 'ballot-sent';
  var OPEN = 'ballot-open';
  var PATIENCE = 30000;
  var LONGEST_PAUSE = 60000;
  var shared = document.body.hasAttribute('data-shared');
  /* What is under way for the one ballot form of this page. */
  var sending = null;

  function one(selector, root) { return (root || document).querySelector(selector); }
  function each(list, visit) { for (var i = 0; i < list.length; i += 1) { visit(list[i]); } }
  function all(selector, root, visit) { each((root || document).querySelectorAll(selector), visit); }
  function isChoice(input) { return input.type === 'radio' || input.type === 'checkbox'; }

  /* Private windows and full phones refuse storage, and a shared device must keep nothing: no drafts there. */
  function storing(use) {
    if (shared) { return null; }
    try { return use(window.localStorage, window.sessionStorage); } catch (e) { return null; }
  }

  function forgetOldDrafts() {
    storing(function (local) {
      each(Object.keys(local), function (key) {
        var draft;
        if (key.indexOf(PREFIX) !== 0) { return; }
        try { draft = JSON.parse(local.getItem(key)); } catch (e) { draft = null; }
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

  function draftKey(form) {
    return PREFIX + (form.getAttribute('data-draft') || form.elements.form.value);
  }

  /* Values only, never the code. Once sending has begun the form number stays with them: after a reload the same
     page then counts as the same form, whether or not the first one had arrived. */
  function saveDraft(form) {
    var begun = form.hasAttribute('data-begun');
    var draft = { at: Date.now(), values: [] };
    each(form.elements, function (input) {
      if (isChoice(input) ? input.checked : input.type === 'textarea' && input.value) {
        draft.values.push([input.name, input.value]);
      }
    });
    if (begun) { draft.form = form.elements.form.value; }
    storing(function (local, session) {
      local.setItem(draftKey(form), JSON.stringify(draft));
      if (begun) { session.setItem(SENT, draftKey(form)); }
    });
  }

  function restoreDraft(form) {
    var draft = storing(function (local) { return JSON.parse(local.getItem(draftKey(form))); });
    var wanted = {};
    var restored = false;
    if (!draft || !draft.values) { return; }
    each(draft.values, function (pair) { wanted[pair.join('=')] = pair[1]; });
    each(draft.values, function (pair) {
      var input = form.elements[pair[0]];
      if (input && input.type === 'textarea') { input.value = pair[1]; restored = true; }
    });
    each(form.elements, function (input) {
      if (isChoice(input) && wanted.hasOwnProperty(input.name + '=' + input.value)) { input.checked = restored = true; }
    });
    if (restored && /^[0-9a-f]{32}$/.test(draft.form)) {
      form.elements.form.value = draft.form;
      form.setAttribute('data-begun', '');
    }
    one('.restored').hidden = !restored;
  }

  function showCount(form) {
    var line = one('[data-count]', form);
    var bar = one('.count progress', form);
    var total = 0;
    var n = 0;
    all('fieldset[data-item]', form, function (item) {
      total += 1;
      if (one('input:checked', item)) { n += 1; }
    });
    line.textContent = line.getAttribute('data-count').replace('{n}', n).replace('{total}', total);
    bar.max = total;
    bar.value = n;
    one('.count', form).hidden = false;
  }

  function forgive(input) {
    var item = input.parentNode.parentNode;
    var note = one('legend em', item);
    if (note) { note.parentNode.removeChild(note); item.className = ''; }
  }

  function ballot(form) {
    forgetSent(draftKey(form));
    knowSlip(form, one('.other'));
    /* What the server sent back wins over the draft. */
    if (!one('fieldset input:checked', form)) { restoreDraft(form); }
    showCount(form);
    form.addEventListener('change', function (event) {
      if (event.target.type === 'radio') { forgive(event.target); }
      saveDraft(form);
      showCount(form);
    });
    form.addEventListener('input', function (event) {
      if (event.target.type === 'textarea') { saveDraft(form); }
    });
    form.addEventListener('submit', function (event) {
      event.preventDefault();
      if (sending) { sending.retry(); } else { deliver(form); }
    });
    one('.restored button').addEventListener('click', function () {
      storing(function (local) { local.removeItem(draftKey(form)); });
      form.reset();
      one('.restored').hidden = true;
      showCount(form);
      one('fieldset input', form).focus();
    });
  }

  function fieldsOf(form) {
    var pairs = [];
    each(form.elements, function (input) {
      if (!input.name || (isChoice(input) && !input.checked)) { return; }
      pairs.push(encodeURIComponent(input.name) + '=' + encodeURIComponent(input.value.replace(/\r?\n/g, '\r\n')));
    });
    return pairs.join('&');
  }

  /* Our own page, or null for what a hotel's or a provider's network puts in its place. */
  function pageOf(request) {
    var page = null;
    try { page = new DOMParser().parseFromString(request.responseText, 'text/html'); } catch (e) { return null; }
    return page && one('main[data-page]', page) ? page : null;
  }

  /* Send a page until there is an answer that counts. The form number makes it the same page however often it goes. */
  function deliver(form) {
    var button = one('[type=submit]', form);
    var state = one('.state', form);
    var tries = 0;
    var timer = 0;
    var due = 0;
    var firm = false;

    function tick() {
      var left = Math.ceil((due - Date.now()) / 1000);
      if (left <= 0) { send(); return; }
      button.textContent = state.getAttribute('data-again').replace('{n}', left);
      timer = setTimeout(tick, 500);
    }
    function pause(request, page) {
      var asked = Number(request.getResponseHeader && request.getResponseHeader('Retry-After')) * 1000 || 0;
      var why = page && one('[role=alert] p', page);
      firm = asked > 0;
      /* Spread out, so that a thousand phones do not come back in the same second. */
      due = Date.now() + Math.max(asked, Math.min(LONGEST_PAUSE, 1500 * Math.pow(2, tries))) * (1 + Math.random() / 4);
      tries += 1;
      state.textContent = why ? why.textContent + ' ' + state.getAttribute('data-waiting')
        : state.getAttribute(navigator.onLine === false ? 'data-offline' : 'data-waiting');
      state.hidden = false;
      button.removeAttribute('aria-disabled');
      tick();
    }
    function answered(request) {
      var page = pageOf(request);
      if (!page || request.status >= 500 || request.getResponseHeader('Retry-After')) { pause(request, page); return; }
      sending = null;
      show(page, request);
    }
    function send() {
      var request = new XMLHttpRequest();
      clearTimeout(timer);
      timer = 0;
      button.textContent = form.getAttribute('data-sending');
      button.setAttribute('aria-disabled', 'true');
      request.open('POST', form.getAttribute('action'));
      request.setRequestHeader('Content-Type', 'application/x-www-form-urlencoded');
      request.timeout = PATIENCE;
      request.onload = function () { answered(request); };
      request.onerror = request.ontimeout = function () { pause({}, null); };
      request.send(fieldsOf(form));
    }
    /* Asked to wait by the server, neither a tap nor the network coming back shortens it. */
    sending = { retry: function () { if (timer && !firm) { send(); } } };
    form.setAttribute('data-begun', '');
    saveDraft(form);
    send();
  }

  /* The answer takes the place of the page: no second journey, and nothing to send again in the history. */
  function show(page, request) {
    var old = one('main');
    var address = request.responseURL || '';
    old.parentNode.replaceChild(document.importNode(one('main', page), true), old);
    document.title = page.title;
    if (request.status === 200 && address.indexOf(location.origin + '/') === 0) {
      history.replaceState(null, '', address.slice(location.origin.length));
    }
    window.scrollTo(0, 0);
    begin(true);
  }

  /* Forms that the browser sends itself. The button is marked: a disabled one would not be sent with the form. */
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
    var state = one('.state', form);
    var composing = false;
    function leave() {
      if (navigator.onLine !== false) { form.submit(); return; }
      state.textContent = state.getAttribute('data-offline');
      state.hidden = false;
      window.addEventListener('online', function () { form.submit(); });
    }
    function take() {
      var code = location.hash.slice(1);
      if (!code) { return; }
      history.replaceState(null, '', location.pathname + location.search);
      field.value = code;
      leave();
    }
    form.addEventListener('submit', function (event) {
      if (navigator.onLine === false) { event.preventDefault(); leave(); }
    });
    /* While a Chinese keyboard is composing, the text is the keyboard's: changed under its hands, it comes out twice. */
    field.addEventListener('compositionstart', function () { composing = true; });
    field.addEventListener('compositionend', function () { composing = false; group(); });
    field.addEventListener('input', group);
    function group() {
      var plain = field.value.replace(/[\s-]/g, '');
      if (composing || field.selectionEnd !== field.value.length || !/^[A-Za-z0-9]+$/.test(plain)) { return; }
      field.value = plain.toUpperCase().match(/.{1,4}/g).join(' ');
    }
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

  /* A device that was left standing makes itself ready for the next person; never while answers are on their way. */
  function idle(box) {
    var limit = box.getAttribute('data-idle') * 1000;
    var last = Date.now();
    function stay() { last = Date.now(); box.hidden = true; }
    /* Gone under the finger, the box would hand the tap on to the answer beneath it. */
    function touched(event) {
      if (box.contains(event.target)) { last = Date.now(); } else { stay(); }
    }
    function tick() {
      var field = one('form[data-entry] input');
      var left = Math.ceil((limit - (Date.now() - last)) / 1000);
      if (sending || (field && !field.value)) { stay(); return; }
      if (left <= 0) { location.replace(box.getAttribute('data-next')); return; }
      one('b', box).textContent = left;
      if (left <= 20) { box.hidden = false; }
    }
    box.addEventListener('click', stay);
    each(['touchstart', 'mousedown', 'keydown', 'scroll', 'input'], function (name) {
      window.addEventListener(name, touched, true);
    });
    setInterval(tick, 500);
    /* The page of whoever sat here before never comes back. */
    window.addEventListener('pageshow', function (event) { if (event.persisted) { location.reload(); } });
  }

  /* A link of the summary leads to its question; the keyboard follows to the first answer. */
  function followLink(link) {
    link.addEventListener('click', function () {
      var item = document.getElementById(decodeURIComponent(link.hash.slice(1)));
      setTimeout(function () { one('input', item).focus({ preventScroll: true }); }, 0);
    });
  }

  function clear(place) {
    forgetSent();
    each((place.getAttribute('data-clear') || '').split(' '), function (key) {
      storing(function (local) { local.removeItem(PREFIX + key); });
    });
    if (place.hasAttribute('data-slip')) {
      knowSlip(place, one('.other', place));
      forgetSlip(place.getAttribute('data-slip'));
    }
  }

  /* Two slips on one phone: a page that the phone fetches anew may come back as a page of the other one. */
  function knowSlip(place, other) {
    storing(function (local, session) {
      var open = session.getItem(OPEN);
      var slip = place.getAttribute('data-slip');
      if (!open) { session.setItem(OPEN, slip); } else if (other) { other.hidden = open === slip; }
    });
  }

  function forgetSlip(slip) {
    storing(function (local, session) {
      if (!slip || session.getItem(OPEN) === slip) { session.removeItem(OPEN); }
    });
  }

  /* What stands in the main part: run for the page itself and for each answer that takes its place. */
  function begin(swapped) {
    var main = one('main');
    var first = one('[role=alert]', main) || (swapped && one('h1', main));
    all('[data-clear]', main, clear);
    all('form[data-sending]', main, function (form) {
      if (form.hasAttribute('data-relation')) { ballot(form); } else { sendOnce(form); }
    });
    all('form.entry', main, function () { forgetSlip(); });
    all('form[data-entry]', main, entry);
    all('.summary a', main, followLink);
    if (first) { first.tabIndex = -1; first.focus(); }
  }

  window.addEventListener('online', function () { if (sending) { sending.retry(); } });
  /* A link with a code, opened over a page that has no field for it, changes the address only: fetch the field. */
  window.addEventListener('hashchange', function () {
    if (/^\/v$/i.test(location.pathname) && !one('form[data-entry]')) { location.replace('?' + location.hash); }
  });
  forgetOldDrafts();
  all('[data-big]', null, typeSize);
  all('[data-idle]', null, idle);
  begin(false);
}());
