/*
 * The tracker of Throughline: one file for tracked sites (Logger.js) and main sites (LoggerV2.js).
 *
 * Commands run strictly one after another, so that a page visit waits for the answer about consent
 * that was asked for before it. Nothing is sent that the page, or the hub, has no consent for.
 */
(() => {
  'use strict';

  const VERSION = '1.0.0';
  const TOKEN = 'kxt-link';
  const LONGEST_TITLE = 250;
  // What pages may have under way while they are left, in bytes; browsers refuse more than 64 KiB.
  const ROOM = 60000;
  // One request: the hub takes so many activities, and small ones find room where large ones do not.
  const MOST_ACTIVITIES = 100;
  const PART = 15000;
  // How long a click waits for its token, and how long a token is good to be used, in milliseconds.
  const PATIENCE = 1000;
  const TOKEN_IS_FRESH = 60000;
  // Calls inside a callback take effect at once: what waits in the queue depends on them.
  const IMMEDIATE = ['consentdefault', 'updateconsent', 'configurecontactfieldmapping'];
  // The other site believes a token only if it sees where the visitor comes from.
  const SHOWS_ORIGIN = 'strict-origin-when-cross-origin';
  const NEVER_SENT = ['password', 'file', 'submit', 'button', 'reset', 'image'];

  // Elements hide the properties of a form, or of the document, whose names they have.
  const read = (type, property, object) =>
    Object.getOwnPropertyDescriptor(type.prototype, property)?.get.call(object);
  const ofDocument = (property) => read(Document, property, document);
  // Old libraries put something else in the place of Array.from.
  const asArray = (list) => [].slice.call(list);

  const script = ofDocument('currentScript');
  const onMainSite = /\/KenticoActivityLogger\//i.test(script.src);
  const name = onMainSite ? script.dataset.function || 'kxt' : window.XperienceTrackerName || 'kxt';
  const stub = window[name];

  // The script again: the tracker that is here goes on.
  if (stub && stub.runAgain) {
    stub.runAgain(script.dataset);
    return;
  }

  let hub = onMainSite ? new URL(script.src).origin : '';
  const consent = { tracking: true, dataInput: true };
  const fieldMapping = {};
  let queue = [];
  let current = null;
  let running = false;
  let insideCallback = false;
  let heldVisit = null;
  let releasing = null;
  let partners = [];
  // The options of the page visit that was logged last, its address, and where it was come from.
  let lastVisit = null;
  let lastUrl = null;
  let referrer = ofDocument('referrer');
  let underWay = 0;
  const tokens = new Map();

  // Talking to the hub

  // JSON.stringify asks `toJSON`, which old libraries put on all arrays; and half a character, which
  // is what cutting an emoji leaves, is no text.
  const asJson = (content) => JSON.stringify(content, function (key, value) {
    const isPlain = [Array.prototype, Object.prototype].includes(prototypeOf(this[key]));
    const given = isPlain ? this[key] : value;
    return typeof given === 'string' ? given.replace(/\p{Cs}/gu, '\ufffd') : given;
  });

  const prototypeOf = (value) => value && Object.getPrototypeOf(value);

  const sizeOf = (text) => new TextEncoder().encode(text).length;

  const deliver = async (command, body, keepalive) => {
    const size = keepalive ? sizeOf(body) : 0;
    underWay += size;
    try {
      return await fetch(`${hub}/Kentico.CrossSiteTracking/${command}`, {
        method: 'POST',
        headers: { 'Content-Type': 'text/plain;charset=UTF-8' },
        body,
        credentials: 'include',
        keepalive,
      });
    } catch (reason) {
      if (!keepalive) throw reason;
    } finally {
      underWay -= size;
    }
    // Other scripts of the page may have taken the room.
    return deliver(command, body, false);
  };

  const post = async (command, content) => {
    const body = asJson({ ...content, page: plainUrl(), version: VERSION });
    let response;
    try {
      response = await deliver(command, body, underWay + sizeOf(body) <= ROOM);
    } catch (reason) {
      throw {
        type: 'error_other',
        detail: `No answer from ${hub} (${reason}). Is ${location.origin} an enabled tracked site?`,
      };
    }
    if (!response.ok) throw { type: 'error_bad_response', detail: response };
    return response.status === 204 ? null : response.json();
  };

  const request = async (command, content) => {
    let answer = await post(command, content);
    if (answer && answer.cookieTest) answer = await post(command, { ...content, cookieTest: true });
    if (answer && answer.cookiesBlocked) {
      throw { type: 'error_cookies_blocked', detail: 'The browser blocks the cookies of tracking.' };
    }
    if (answer && answer.partners) partners = answer.partners;
    // The visitor may have become a contact, or none.
    if (command !== 'Link') tokens.clear();
    return answer;
  };

  // One tab at a time, so that two tabs that open at once do not become two contacts.
  const requestAlone = async (command, content) => {
    let asked = null;
    const ask = () => (asked = asked || request(command, content));
    try {
      await navigator.locks.request(`${name} ${hub}`, ask);
    } catch {
      // What was asked tells what went wrong; a browser without locks has not asked yet.
    }
    return ask();
  };

  // Activities

  const activityOf = {
    pagevisit: (options) => ({
      type: 'pagevisit',
      value: options.title === undefined ? pageTitle() : options.title,
    }),
    click: (options) => ({ type: 'click', value: asText(options.label) }),
    customactivity: (options) => ({
      type: options.type,
      value: asText(options.value),
      title: onMainSite ? options.title : undefined,
    }),
    datainput: (options) => ({
      type: 'datainput',
      value: options.label,
      form: options.formElement && readForm(options.formElement),
      contactFields: options.fields && readFields(options.fields),
    }),
  };

  // Pages like to give numbers, such as 5000.
  const asText = (value) => (typeof value === 'number' ? String(value) : value);

  // Cut between characters: half of one would be refused.
  const pageTitle = () => [...ofDocument('title')].slice(0, LONGEST_TITLE).join('');

  const describe = (command, options) => ({
    // Sent twice, it counts once.
    id: crypto.randomUUID && crypto.randomUUID(),
    url: plainUrl(),
    referrer,
    ...activityOf[command](options),
    ...(options.url === undefined ? {} : { url: options.url }),
    ...(options.referrer === undefined ? {} : { referrer: options.referrer }),
  });

  const readForm = (form) => {
    const values = {};
    for (const input of read(HTMLFormElement, 'elements', form)) {
      const isUnchecked = ['checkbox', 'radio'].includes(input.type) && !input.checked;
      if (input.name && !input.matches(':disabled') && !isUnchecked && !NEVER_SENT.includes(input.type)) {
        values[input.name] = input.value;
      }
    }
    return values;
  };

  const readFields = (fields) =>
    Object.fromEntries(asArray(fields).map((field) => [field.fieldName, field.value]));

  // Only now, because the mapping may have been waiting in the queue before it.
  const withContactFields = ({ form, ...activity }) => {
    if (!form) return activity;
    const contactFields = {};
    for (const [input, value] of Object.entries(form)) {
      if (Object.hasOwn(fieldMapping, input)) contactFields[fieldMapping[input]] = value;
    }
    return { ...activity, contactFields };
  };

  const isAllowed = (activity) =>
    consent.tracking && (activity.type !== 'datainput' || consent.dataInput);

  const send = async (activity) => {
    const answer = await requestAlone('Log', { activities: [withContactFields(activity)] });
    // The hub has no consent for it.
    if (answer === null && activity.type === 'pagevisit') heldVisit = activity;
  };

  const log = async (activity) => {
    const isVisit = activity.type === 'pagevisit';
    if (isVisit && activity.url === releasing) return;
    if (isAllowed(activity)) await send(activity);
    else if (isVisit) heldVisit = activity;
  };

  // A page visit that came before consent is logged when consent comes, once.
  const releaseVisit = () => {
    if (!heldVisit || !consent.tracking) return;
    const visit = heldVisit;
    heldVisit = null;
    releasing = visit.url;
    enqueue({
      activity: visit,
      run: async () => {
        await send(visit).catch(() => {});
        // Behind what the page called in the same moment: that belongs to this visit.
        enqueue({ run: () => { releasing = null; } });
      },
    });
  };

  // Commands

  const setConsent = (options) => {
    if (typeof options.allow_tracking === 'boolean') consent.tracking = options.allow_tracking;
    if (typeof options.allow_datainput === 'boolean') consent.dataInput = options.allow_datainput;
    releaseVisit();
  };

  const about = ({ codeName, languageName, cultureCode }) =>
    ({ codeName, languageName: languageName || cultureCode });

  const commands = {
    init: (options) => {
      hub = String(options.mainSiteUrl).replace(/\/+$/, '');
      partners = [new URL(hub).origin];
    },
    consentdefault: setConsent,
    updateconsent: setConsent,
    configurecontactfieldmapping: (options) => { Object.assign(fieldMapping, options); },
    consentdata: (options) => request('ConsentData', about(options)),
    consentcontactstatus: (options) => request('ConsentStatus', about(options)),
    consentagree: (options) => requestAlone('ConsentAgree', about(options)),
    consentrevoke: (options) => request('ConsentRevoke', about(options)),
    contactgroups: async () =>
      (consent.tracking ? (await request('ContactGroups')).groups : []),
    link: async ({ url }) => {
      const token = await freshToken(url);
      return token ? withToken(url, token) : url;
    },
  };

  const call = (callback, value) => {
    if (typeof callback !== 'function') return;
    insideCallback = true;
    try {
      callback(value);
    } catch (error) {
      // A fault of the page: it shows in the console, and does not stop the queue.
      setTimeout(() => { throw error; });
    } finally {
      insideCallback = false;
    }
  };

  const perform = async (command, options, activity) => {
    try {
      const answer = activity ? await log(activity) : await commands[command](options);
      if (answer !== null) call(options.callback, answer);
      if (command === 'consentagree' && answer) releaseVisit();
    } catch (error) {
      const known = error && error.type ? error : { type: 'error_other', detail: String(error) };
      call(options.onerror, known);
    }
  };

  const dispatch = (args) => {
    const command = String(args[0]).toLowerCase();
    const options = args[1] || {};
    if (insideCallback && IMMEDIATE.includes(command)) {
      commands[command](options);
    } else if (Object.hasOwn(activityOf, command)) {
      dispatchActivity(command, options);
    } else if (Object.hasOwn(commands, command)) {
      enqueue({ run: () => perform(command, options) });
    }
  };

  // Values are read at the time of the call: the form may be gone when it is this command's turn.
  const dispatchActivity = (command, options) => {
    if (command === 'pagevisit') turnPage(options);
    try {
      const activity = describe(command, options);
      enqueue({ run: () => perform(command, options, activity), activity });
    } catch (error) {
      enqueue({ run: () => call(options.onerror, { type: 'error_other', detail: String(error) }) });
    }
  };

  // In an application of one page, each page comes from the one before it.
  const turnPage = (options) => {
    const url = options.url === undefined ? plainUrl() : options.url;
    if (lastVisit && url !== lastUrl) referrer = lastUrl;
    lastVisit = options;
    lastUrl = url;
  };

  const enqueue = (task) => {
    queue.push(task);
    if (!running) drain();
  };

  const drain = async () => {
    running = true;
    if (isPrerendered()) await opening;
    while (queue.length) {
      current = queue.shift();
      await current.run();
      current = null;
    }
    running = false;
  };

  // What still waits when the page is left goes out at once, under the consent known by then, with
  // what is under way: nobody would repeat that any more, and sent twice, it counts once.
  const flush = () => {
    if (isPrerendered()) return;
    const leaving = queue.filter((task) => task.activity);
    queue = queue.filter((task) => !task.activity);
    releasing = null;
    const activities = (current ? [current, ...leaving] : leaving).map((task) => task.activity);
    const allowed = activities.filter((activity) => activity && isAllowed(activity));
    if (!hub) return;
    for (const activities of inParts(allowed.map(withContactFields))) {
      post('Log', { activities }).catch(() => {});
    }
  };

  const inParts = (activities) => {
    const parts = [];
    let left = 0;
    for (const activity of activities) {
      const size = sizeOf(asJson(activity));
      if (left < size || parts[parts.length - 1].length === MOST_ACTIVITIES) {
        parts.push([]);
        left = PART;
      }
      parts[parts.length - 1].push(activity);
      left -= size;
    }
    return parts;
  };

  // A page that the browser prepares in case it is opened says nothing until then.
  const isPrerendered = () => ofDocument('prerendering');
  const opening = isPrerendered() && new Promise((resolve) => {
    window.addEventListener('prerenderingchange', resolve, { capture: true, once: true });
  });

  // The browser kept the page as it was, and shows it again. The page itself is told of that first:
  // it may know that consent is another by now.
  const comeBack = (event) => {
    if (!event.persisted || !lastVisit) return;
    const { callback, onerror, ...again } = lastVisit;
    setTimeout(() => dispatch(['pagevisit', again]));
  };

  // The hand-over link: to a website of the pair, the visitor's contact comes along

  const plainUrl = () => withToken(location.href, null);

  // The address with this token and no other.
  const withToken = (url, token) => {
    const [, path, query, fragment] = /^([^?#]*)(\?[^#]*)?(.*)$/s.exec(url);
    const parts = query ? query.slice(1).split('&') : [];
    const kept = parts.filter((part) => !part.startsWith(`${TOKEN}=`));
    if (token) kept.push(`${TOKEN}=${token}`);
    return path + (kept.length ? `?${kept.join('&')}` : '') + fragment;
  };

  const leadsToPartner = (url, base = location.href) => {
    try {
      const { origin } = new URL(url, base);
      return origin !== location.origin && partners.includes(origin) && consent.tracking;
    } catch {
      return false;
    }
  };

  const tokenFor = (url) => {
    const { origin } = new URL(url, location.href);
    let entry = tokens.get(origin);
    if (!entry || Date.now() - entry.at > TOKEN_IS_FRESH) {
      entry = { at: Date.now(), token: undefined };
      entry.promise = Promise.race([
        request('Link', { url: origin }).then((answer) => answer && answer.token),
        new Promise((resolve) => setTimeout(resolve, PATIENCE, null)),
      ]).catch(() => null).then((token) => (entry.token = token));
      tokens.set(origin, entry);
    }
    return entry;
  };

  const takeToken = (url) => {
    const entry = tokenFor(url);
    tokens.delete(new URL(url, location.href).origin);
    return entry;
  };

  const freshToken = (url) => (leadsToPartner(url) ? takeToken(url).promise : null);

  const linkOf = (event) =>
    event.composedPath().find((node) => {
      const attribute = ['a', 'area'].includes(node.localName) && attributeOf(node);
      return attribute && leadsToPartner(attribute.value, node.baseURI);
    });

  const attributeOf = (link) =>
    link.getAttributeNode('href') || link.getAttributeNodeNS('http://www.w3.org/1999/xlink', 'href');

  // `href` of a link in SVG is no text.
  const addressOf = (link) =>
    typeof link.href === 'string' ? link.href : new URL(attributeOf(link).value, link.baseURI).href;

  // The pointer reaches a link before it clicks: time enough, as a rule, to get the token.
  const prepare = (event) => {
    const link = linkOf(event);
    if (link) tokenFor(addressOf(link));
  };

  const decorate = (event) => {
    const link = linkOf(event);
    if (!link || event.defaultPrevented || event.button > 1) return;
    const url = addressOf(link);
    const entry = takeToken(url);
    if (entry.token) {
      const attribute = attributeOf(link);
      const plain = attribute.value;
      const changesPolicy = !link.hasAttribute('referrerpolicy');
      attribute.value = withToken(url, entry.token);
      if (changesPolicy) link.setAttribute('referrerpolicy', SHOWS_ORIGIN);
      // The browser has taken the address by then; a copied one is the plain one again.
      setTimeout(() => {
        attribute.value = plain;
        if (changesPolicy) link.removeAttribute('referrerpolicy');
      });
    }
    if (entry.token !== undefined) return;
    event.preventDefault();
    const byKey = event.button === 1 || event.ctrlKey || event.metaKey || event.shiftKey;
    const where = byKey ? '_blank' : link.getAttribute('target') || '_self';
    const target = where === '_self' ? null : window.open('', where);
    if (target && where === '_blank') target.opener = null;
    entry.promise.then((token) => {
      if (target) target.location.href = withToken(url, token);
      else follow(link, withToken(url, token));
    });
  };

  // In this window, as the link itself would have been followed.
  const follow = (link, url) => {
    const copy = document.createElement('a');
    copy.href = url;
    copy.rel = link.getAttribute('rel') || '';
    copy.referrerPolicy = link.getAttribute('referrerpolicy') || SHOWS_ORIGIN;
    copy.click();
  };

  const arrive = () => {
    const token = new URLSearchParams(location.search).get(TOKEN);
    if (!token) return;
    history.replaceState(history.state, '', plainUrl());
    const from = ofDocument('referrer');
    enqueue({ run: () => request('Arrive', { token, referrer: from }).catch(() => {}) });
  };

  // Start

  if (script.dataset.customActivity === 'false') delete activityOf.customactivity;

  const visitPage = (settings) => {
    if (settings.pageVisit !== 'false') dispatch(['pagevisit']);
  };

  const tracker = function () { dispatch(arguments); };
  // Code that still holds the stub of the snippet pushes its calls here.
  tracker.q = { push: dispatch };
  tracker.runAgain = (settings) => {
    if (!onMainSite || releasing) return;
    // The agreement may have come without us, so the visit that is held back gets another try.
    if (heldVisit) releaseVisit();
    else visitPage(settings);
  };
  window[name] = tracker;

  const early = { capture: true, passive: true };
  for (const event of ['pointerover', 'focusin', 'touchstart']) {
    window.addEventListener(event, prepare, early);
  }
  // Last of all, when the page has had its chance to keep the click for itself.
  for (const event of ['click', 'auxclick']) window.addEventListener(event, decorate);
  window.addEventListener('pagehide', flush);
  window.addEventListener('pageshow', comeBack);

  const waiting = asArray((stub && stub.q) || []);
  const first = waiting.findIndex((args) => String(args[0]).toLowerCase() === 'init');
  if (first >= 0) dispatch(waiting.splice(first, 1)[0]);
  arrive();
  if (onMainSite) visitPage(script.dataset);
  waiting.forEach(dispatch);
})();
