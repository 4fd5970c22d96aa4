/* Blind-signed tokens: making one (RFC 9474, RSABSSA-SHA384-PSS-Randomized), showing it, handing it in.
   Whole numbers and WebCrypto, no framework and no word of its own. The token and what blinds it never leave this page
   except as its user takes them away. */
(() => {
  'use strict';
  const ALPHABET = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ';
  const HASH = 48;
  const E = 65537n;
  const KEPT = 'voting-token:';
  const one = (name, root = document) => root.querySelector(`[data-${name}]`);

  /* Numbers and bytes. */
  const toBytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const toText = (bytes) => btoa(String.fromCharCode(...bytes));
  const toNumber = (bytes) => bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const join = (...parts) => Uint8Array.from(parts.flatMap((part) => [...part]));
  const random = (size) => crypto.getRandomValues(new Uint8Array(size));

  function fromNumber(number, size) {
    const hex = number.toString(16).padStart(2 * size, '0');
    return Uint8Array.from({ length: size }, (_, place) => parseInt(hex.substr(2 * place, 2), 16));
  }

  function power(base, exponent, n) {
    let result = 1n;
    for (let square = base % n; exponent > 0n; exponent >>= 1n, square = square * square % n) {
      if (exponent & 1n) { result = result * square % n; }
    }
    return result;
  }

  function inverse(number, n) {
    let [a, b, x, y] = [number, n, 1n, 0n];
    while (b > 0n) { [a, b, x, y] = [b, a % b, y, x - a / b * y]; }
    if (a !== 1n) { throw new Error('no inverse'); }
    return (x % n + n) % n;
  }

  async function hash(bytes, name = 'SHA-384') { return new Uint8Array(await crypto.subtle.digest(name, bytes)); }

  /* The modulus from a DER public key: the first whole number longer than 64 bytes. */
  function modulusOf(der) {
    for (let at = 0; at < der.length - 4; at += 1) {
      if (der[at] === 2 && der[at + 1] === 0x82) {
        return toNumber(der.slice(at + 4, at + 4 + der[at + 2] * 256 + der[at + 3]));
      }
    }
    throw new Error('no key');
  }

  /* RFC 8017, 9.1.1 with MGF1. */
  async function encode(message, bits, salt) {
    const size = Math.ceil(bits / 8);
    const digest = await hash(join(new Uint8Array(8), await hash(message), salt));
    const block = join(new Uint8Array(size - 2 * HASH - 2), [1], salt);
    const mask = [];
    for (let count = 0; mask.length < block.length; count += 1) {
      mask.push(...await hash(join(digest, [0, 0, 0, count])));
    }
    const masked = block.map((byte, place) => byte ^ mask[place]);
    masked[0] &= 255 >> (8 * size - bits);
    return join(masked, digest, [188]);
  }

  /* A uniformly random factor below n. */
  function factorBelow(n, size) {
    for (;;) {
      const number = toNumber(random(size));
      if (number > 1n && number < n) { return number; }
    }
  }

  /* given: prefix, salt and factor of a test vector; without it all three are random. */
  async function blind(der, message, given = {}) {
    const n = modulusOf(der);
    const bits = n.toString(2).length;
    const size = Math.ceil(bits / 8);
    const prepared = join(given.prefix || random(32), message);
    const encoded = toNumber(await encode(prepared, bits - 1, given.salt || random(HASH)));
    const factor = given.factor || factorBelow(n, size);
    const blinded = encoded * power(factor, E, n) % n;
    return { n, size, prepared, inverse: inverse(factor, n), blinded: fromNumber(blinded, size) };
  }

  async function finalize(der, made, answer) {
    const signature = fromNumber(toNumber(answer) * made.inverse % made.n, made.size);
    const name = { name: 'RSA-PSS', hash: 'SHA-384' };
    const key = await crypto.subtle.importKey('spki', der, name, false, ['verify']);
    const right = await crypto.subtle.verify({ name: 'RSA-PSS', saltLength: HASH }, key, signature, made.prepared);
    if (!right) { throw new Error('wrong signature'); }
    return signature;
  }

  /* Letters of the slips. */
  function letters(bytes, count) {
    const room = BigInt(bytes.length * 8);
    const bits = toNumber(bytes) << BigInt(Math.max(0, 5 * count - bytes.length * 8));
    const top = room > BigInt(5 * count) ? room : BigInt(5 * count);
    return Array.from({ length: count }, (_, k) => ALPHABET[Number((bits >> (top - 5n * BigInt(k + 1))) & 31n)]).join('');
  }

  function checkLetter(text) {
    const total = [...text].reverse().reduce((sum, letter, place) => {
      const value = ALPHABET.indexOf(letter) * (place % 2 === 0 ? 2 : 1);
      return sum + Math.floor(value / 32) + value % 32;
    }, 0);
    return ALPHABET[(32 - total % 32) % 32];
  }

  function writeToken(group, prepared, signature) {
    const bytes = join(fromNumber(BigInt(group), 4), prepared, signature);
    return letters(bytes, Math.ceil(bytes.length * 8 / 5));
  }

  async function shortCode(prepared) {
    const text = letters(await hash(prepared.slice(32), 'SHA-256'), 15);
    return text + checkLetter(text);
  }

  const fits = () => typeof BigInt === 'function' && Boolean(window.crypto && crypto.subtle);

  /* Storage only when its user ticks the box. */
  function storing(use) { try { return use(window.localStorage); } catch (error) { return null; } }
  const storedKeys = (local) => Object.keys(local).filter((name) => name.startsWith(KEPT));

  /* Fetching, at the desk. */
  async function post(address, page, values) {
    const headers = { 'X-CSRFToken': page.dataset.csrf };
    const reply = await fetch(address, { method: 'POST', headers, body: new URLSearchParams(values) });
    const document_ = reply.headers.get('Content-Type') === 'application/json' ? await reply.json() : {};
    if (!reply.ok) { throw Object.assign(new Error(document_.message || page.dataset.failed), { said: true }); }
    return document_;
  }

  /* Twice more, with the same blinded message: the server gives the same answer, a lost reply is no lost vote. */
  async function patiently(work) {
    for (let left = 2; ; left -= 1) {
      try { return await work(); } catch (error) {
        if (error.said || left === 0) { throw error; }
        await new Promise((resolve) => { setTimeout(resolve, 2000); });
      }
    }
  }

  /* The key as everybody sees it, asked for without a cookie: a key made for one person would be found out. */
  async function publicKey(page) {
    const reply = await fetch(page.dataset.public, { credentials: 'omit', cache: 'no-store' });
    const found = await reply.json();
    if (found.key !== page.dataset.key) { throw Object.assign(new Error(page.dataset.foreign), { said: true }); }
    return toBytes(found.key);
  }

  async function fetchToken(page, state) {
    if (!state.made) {
      state.der = await publicKey(page);
      state.made = await blind(state.der, random(32));
    }
    const { made, der } = state;
    const sent = { blinded: toText(made.blinded), fingerprint: page.dataset.fingerprint };
    const answer = await patiently(() => post(page.dataset.sign, page, sent));
    const signature = await finalize(der, made, toBytes(answer.signature));
    const token = writeToken(page.dataset.group, made.prepared, signature);
    post(page.dataset.kept, page, {}).catch(() => {});
    return { token, code: await shortCode(made.prepared) };
  }

  function show(page, { token, code }) {
    const box = one('result', page);
    const text = one('token', box);
    text.value = token.match(/.{1,4}/g).join(' ');
    one('printed', box).textContent = text.value;
    one('code', box).textContent = code.match(/.{4}/g).join(' ');
    drawQR(one('qr', box), `${page.dataset.base.toUpperCase()}/T#`, token);
    one('copy', box).addEventListener('click', () => {
      text.select();
      navigator.clipboard.writeText(token).catch(() => {});
    });
    one('print', box).addEventListener('click', () => window.print());
    const name = KEPT + page.dataset.group;
    one('store', box).addEventListener('change', (event) => storing((local) => {
      if (event.target.checked) { local.setItem(name, token); } else { local.removeItem(name); }
    }));
    one('vote', box).addEventListener('click', async () => {
      await post(page.dataset.logout, page, {}).catch(() => {});
      location.replace(`${page.dataset.voting}#${token}`);
    });
    /* Until it was taken along somehow, leaving the page asks first: it cannot be shown again. */
    const ask = (event) => { event.preventDefault(); };
    window.addEventListener('beforeunload', ask);
    ['copy', 'print', 'store', 'vote'].forEach((way) => one(way, box).addEventListener('click', () => window.removeEventListener('beforeunload', ask)));
    one('before', page).hidden = true;
    one('paper', page).hidden = true;
    box.hidden = false;
    /* All of it is to be seen: it may be photographed from the screen. */
    text.style.height = `${text.scrollHeight + 4}px`;
    box.focus();
  }

  function fetching(page) {
    const button = one('fetch', page);
    /* The right was taken before: there is nothing to press. */
    if (!button) { return; }
    if (!fits()) { one('unfit', page).hidden = false; return; }
    const status = one('status', page);
    const state = {};
    one('before', page).hidden = false;
    button.addEventListener('click', async () => {
      button.disabled = true;
      status.textContent = page.dataset.busy;
      try { show(page, await fetchToken(page, state)); status.textContent = ''; } catch (error) {
        status.textContent = error.said ? error.message : page.dataset.failed;
        button.disabled = false;
      }
    });
  }

  /* Handing in, without a login: the token stands behind the #, where no log sees it. */
  function handingIn(form) {
    const field = form.elements.token;
    const kept = one('stored', form);
    const names = storing(storedKeys) || [];
    const take = () => {
      const token = location.hash.slice(1);
      if (!token) { return; }
      history.replaceState(null, '', location.pathname + location.search);
      field.value = token;
    };
    window.addEventListener('hashchange', take);
    take();
    if (names.length) {
      kept.hidden = false;
      names.forEach((name) => {
        const button = one('choose', kept).cloneNode(true);
        button.hidden = false;
        button.addEventListener('click', () => { field.value = storing((local) => local.getItem(name)) || ''; });
        one('choose', kept).before(button);
      });
      one('forget', kept).addEventListener('click', () => {
        storing((local) => storedKeys(local).forEach((name) => local.removeItem(name)));
        kept.hidden = true;
      });
    }
  }

  /* A QR code of version 13, level L, mask 0 (ISO/IEC 18004): the address as bytes, the token as alphanumeric letters. */
  const SIDE = 69;
  const DATA = 428;
  const BLOCKS = 4;
  const CHECKS = 26;
  const ALPHANUMERIC = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:';

  function qrData(address, token) {
    const bits = [];
    const push = (value, count) => { for (let k = count - 1; k >= 0; k -= 1) { bits.push((value >> k) & 1); } };
    push(4, 4); push(address.length, 16);
    [...address].forEach((letter) => push(letter.charCodeAt(0), 8));
    push(2, 4); push(token.length, 11);
    for (let at = 0; at < token.length; at += 2) {
      const first = ALPHANUMERIC.indexOf(token[at]);
      if (at + 1 < token.length) { push(first * 45 + ALPHANUMERIC.indexOf(token[at + 1]), 11); } else { push(first, 6); }
    }
    if (bits.length > 8 * DATA) { return null; }
    push(0, Math.min(4, 8 * DATA - bits.length));
    while (bits.length % 8) { bits.push(0); }
    const bytes = [];
    for (let at = 0; at < bits.length; at += 8) { bytes.push(parseInt(bits.slice(at, at + 8).join(''), 2)); }
    for (let pad = 236; bytes.length < DATA; pad ^= 253) { bytes.push(pad); }
    return bytes;
  }

  function times(a, b) {
    let product = 0;
    for (let bit = 7; bit >= 0; bit -= 1) {
      product = (product << 1) ^ (product >> 7) * 0x11D;
      product ^= ((b >> bit) & 1) * a;
    }
    return product;
  }

  function generator() {
    let root = 1;
    let terms = [...new Array(CHECKS - 1).fill(0), 1];
    for (let k = 0; k < CHECKS; k += 1) {
      terms = terms.map((term, place) => times(term, root) ^ (place + 1 < CHECKS ? terms[place + 1] : 0));
      root = times(root, 2);
    }
    return terms;
  }

  function checks(block, terms) {
    return block.reduce((rest, byte) => {
      const lead = byte ^ rest[0];
      return rest.map((_, place) => (place + 1 < CHECKS ? rest[place + 1] : 0) ^ times(terms[place], lead));
    }, new Array(CHECKS).fill(0));
  }

  function interleaved(bytes) {
    const size = DATA / BLOCKS;
    const terms = generator();
    const blocks = Array.from({ length: BLOCKS }, (_, k) => bytes.slice(k * size, (k + 1) * size));
    const ends = blocks.map((block) => checks(block, terms));
    const woven = (parts, length) => Array.from({ length }, (_, k) => parts.map((part) => part[k])).flat();
    return [...woven(blocks, size), ...woven(ends, CHECKS)];
  }

  /* Cells are 0 or 1, with 2 added where a pattern stands. */
  function emptyCells() {
    const cells = Array.from({ length: SIDE }, () => new Array(SIDE).fill(0));
    const set = (row, column, dark) => {
      if (row >= 0 && column >= 0 && row < SIDE && column < SIDE) { cells[row][column] = 2 + (dark ? 1 : 0); }
    };
    const rings = (row, column, reach, dark) => {
      for (let r = -reach; r <= reach; r += 1) {
        for (let c = -reach; c <= reach; c += 1) { set(row + r, column + c, dark(Math.max(Math.abs(r), Math.abs(c)))); }
      }
    };
    for (let k = 0; k < SIDE; k += 1) { set(6, k, k % 2 === 0); set(k, 6, k % 2 === 0); }
    [[3, 3], [3, SIDE - 4], [SIDE - 4, 3]].forEach(([r, c]) => rings(r, c, 4, (ring) => ring !== 2 && ring !== 4));
    const places = [6, 34, 62];
    places.forEach((r) => places.forEach((c) => {
      const corner = (r === 6 && c !== 34) || (c === 6 && r !== 34);
      if (!corner) { rings(r, c, 2, (ring) => ring !== 1); }
    }));
    /* Format (level L, mask 0) and version 13, with their check bits. */
    const format = 0x77C4;
    for (let k = 0; k < 15; k += 1) {
      const dark = (format >> k) & 1;
      if (k < 6) { set(k, 8, dark); } else if (k < 8) { set(k + 1, 8, dark); } else { set(SIDE - 15 + k, 8, dark); }
      if (k < 8) { set(8, SIDE - 1 - k, dark); } else { set(8, k === 8 ? 7 : 14 - k, dark); }
    }
    set(SIDE - 8, 8, true);
    const version = 0x0D847;
    for (let k = 0; k < 18; k += 1) {
      const dark = (version >> k) & 1;
      set(Math.floor(k / 3), SIDE - 11 + k % 3, dark);
      set(SIDE - 11 + k % 3, Math.floor(k / 3), dark);
    }
    return cells;
  }

  function qrCells(address, token) {
    const bytes = qrData(address, token);
    if (!bytes) { return null; }
    const words = interleaved(bytes);
    const cells = emptyCells();
    let at = 0;
    for (let right = SIDE - 1; right > 0; right -= 2) {
      if (right === 6) { right = 5; }
      for (let step = 0; step < SIDE; step += 1) {
        const row = ((right + 1) & 2) === 0 ? SIDE - 1 - step : step;
        for (let column = right; column > right - 2; column -= 1) {
          if (cells[row][column] < 2) {
            const bit = at < words.length * 8 ? (words[at >> 3] >> (7 - (at & 7))) & 1 : 0;
            cells[row][column] = bit ^ ((row + column) % 2 === 0 ? 1 : 0);
            at += 1;
          }
        }
      }
    }
    return cells.map((line) => line.map((cell) => cell & 1));
  }

  function drawQR(svg, address, token) {
    const cells = qrCells(address, token);
    if (!cells) { svg.parentNode.hidden = true; return; }
    const path = cells.map((line, row) => line.map((dark, column) => (dark ? `M${column + 4} ${row + 4}h1v1h-1z` : '')).join(''));
    svg.setAttribute('viewBox', `0 0 ${SIDE + 8} ${SIDE + 8}`);
    svg.querySelector('path').setAttribute('d', path.join(''));
  }

  document.querySelectorAll('[data-token-page]').forEach(fetching);
  document.querySelectorAll('form[data-token-form]').forEach(handingIn);
})();
