// The browser tag: tells the house what happens on a page, asks which campaigns are for this person, shows them.
// Runs as it stands, without a build step. Served without comments and indentation it must stay within
// 4,096 bytes gzipped (tests/tag/test_size.py); end every statement with a semicolon, the squeezer relies on it.
(() => {
  if (window.volano?.track) return;
  const tag = document.currentScript;
  const { key: writeKey, consent, preview } = tag.dataset;
  const silent = consent == "no" || navigator.globalPrivacyControl || preview != null;

  const safely = act => {
    try {
      return act();
    } catch (error) {
      console.warn("volano:", error);
    }
  };
  const later = (act, ms) => setTimeout(safely, ms, act);
  const on = (names, act, signal) => {
    for (const name of names.split(" "))
      addEventListener(name, event => safely(() => act(event)), { signal, passive: true, capture: true });
  };
  const url = path => new URL(path, tag.src);
  const post = (path, body, more) => fetch(url(path), { method: "POST", body, ...more });
  const uuid = () => crypto.randomUUID?.() ?? crypto.getRandomValues(new Uint32Array(4)).join("-");

  // murmur3_x86_32 of the UTF-8 bytes, the same as in volano/maths/hashing.py
  const hash = (text, all = 0) => {
    const bytes = new TextEncoder().encode(text);
    const whole = bytes.length >> 2;
    const words = new Uint32Array(whole + 1);
    const times = Math.imul;
    new Uint8Array(words.buffer).set(bytes);
    words.map((word, at) => {
      word = times(word, 0xcc9e2d51);
      all ^= times((word << 15) | (word >>> 17), 0x1b873593);
      if (at < whole) all = times((all << 13) | (all >>> 19), 5) + 0xe6546b64;
    });
    all ^= bytes.length;
    all = times(all ^ (all >>> 16), 0x85ebca6b);
    all = times(all ^ (all >>> 13), 0xc2b2ae35);
    return (all ^ (all >>> 16)) >>> 0;
  };
  // the arm that an id draws, as in volano/act/assign.py
  const drawn = ({ salt, coverage, arms }, id) => {
    const within = (share, seed) => hash(salt + ":" + id, seed) % 1e4 < ((share * 1e4 + 0.5) | 0);
    let upto = 0;
    return within(coverage) && arms.find(arm => within((upto += arm.weight), 86028157))?.key;
  };

  // Who this is and what brought them: one key of the storage, or memory where storage is blocked.
  let known = {};
  let stored;
  const store = () => {
    try {
      localStorage.volano = JSON.stringify(known);
      stored = 1;
    } catch {
      stored = 0;
    }
  };
  const visit = () => {
    const now = Date.now();
    try {
      known = { ...JSON.parse(localStorage.volano) };
    } catch {}
    known.id ||= uuid();
    if (!(now - known.at < 18e5 && known.touch)) {
      const campaign = {};
      const { pathname: landing, search } = location;
      for (const [name, value] of new URLSearchParams(search))
        if (/^utm_/.test(name)) campaign[name.slice(4).replace("campaign", "name")] = value;
      known.touch = { campaign, landing, search, referrer: document.referrer, seen: {} };
      known.visits = 1 + (known.visits | 0);
    }
    known.at = now;
    store();
    return known.touch;
  };
  // `search` and `referrer` are those the visit began with: they, too, tell where it came from
  const who = () => {
    const { campaign, landing, search, referrer } = visit();
    const { href: url, pathname: path } = location;
    const { userAgent, deviceMemory: memory } = navigator;
    return {
      anonymousId: known.id,
      userId: known.user,
      context: {
        page: { path, url, search, referrer, title: document.title },
        campaign,
        session: { landing, visits: known.visits },
        device: { memory },
        userAgent,
      },
    };
  };

  // Sending: 20 events or 3 s, by beacon when it must not get lost, 80 events kept while nobody answers.
  let queue = [];
  let wait = 3e3;
  let timer;
  let clock = 0;
  const flush = leaving => {
    clearTimeout(timer);
    timer = 0;
    while (queue[0]) {
      const batch = queue.splice(0, 20);
      const body = JSON.stringify({ writeKey, batch, sentAt: new Date() });
      if (leaving && navigator.sendBeacon(url("/v1/b"), body)) continue;
      post("/v1/b", body, { keepalive: body.length < 6e4 })
        .then(({ status }) => {
          if (status > 428) throw 0;
        })
        .catch(() => {
          queue = [...batch, ...queue].sort((a, b) => a.timestamp - b.timestamp).slice(-80);
          timer ||= later(flush, (wait = Math.min(wait * 2, 6e4)));
        });
    }
  };
  const send = (type, more) => {
    // later steps of a journey are strictly later, so no two events share a millisecond
    clock = Math.max(Date.now(), clock + 1);
    queue.push({ type, messageId: uuid(), timestamp: new Date(clock), ...who(), ...more });
    if (queue[19]) flush();
    else timer ||= later(flush, wait);
  };

  // Showing: text in a shadow root, styled by one constructed sheet, so that a strict CSP has nothing to forbid.
  let sheet;
  const make = (parent, name, text, kind = "") => {
    const made = document.createElement(name);
    made.textContent = text;
    made.className = kind;
    parent.append(made);
    return made;
  };
  const draw = (root, { format, content: { headline, body, button, href, coupon, choices = [] } }, clicked) => {
    if (!sheet)
      (sheet = new CSSStyleSheet()).replaceSync(`:host{all:initial;font:16px/1.5 system-ui}
*{box-sizing:border-box}
dialog,section{color-scheme:light dark;color:CanvasText;background:Canvas;border:0;overflow:auto;max-height:60dvh;padding:6px 52px;text-align:center}
dialog{width:400px;padding:20px 44px;border-radius:14px}
::backdrop{background:#0008}
section{position:fixed;inset:auto 0 0;z-index:99999999;box-shadow:0 0 9px #0006}
section *{display:inline-block;margin:0 9px;font-size:16px}
dialog *{display:block;width:100%;margin:9px auto}
a,button{min-height:44px;padding:9px;border:1px solid;border-radius:8px;font:inherit;color:inherit;background:none;text-decoration:none}
.shut{position:absolute;inset:0 0 auto auto;width:44px;margin:0;border:0;outline-offset:-9px}
.go{background:var(--volano,#6b21a8);color:#fff}
.here{position:relative;margin:auto}
@media(prefers-reduced-motion:no-preference){dialog,section{animation:a .2s}@keyframes a{0%{opacity:0}}}`);
    root.adoptedStyleSheets = [sheet];
    root.replaceChildren();
    const bar = format == "bar";
    const box = make(root, bar ? "section" : "dialog");
    const close = () => (bar ? box.dispatchEvent(new Event("close")) : box.close());
    box.ariaLabel = headline;
    box.onkeydown = ({ key }) => {
      if (bar && key == "Escape") close();
    };
    const shut = make(box, "button", "×", "shut");
    shut.ariaLabel = "Close";
    shut.onclick = close;
    make(box, "h2", headline);
    if (body) make(box, "p", body);
    const code = coupon && make(box, "button", "Copy " + coupon);
    const copy = () => code && navigator.clipboard?.writeText(coupon).then(() => (code.textContent = "✓ " + coupon), () => {});
    if (code) code.onclick = copy;
    const asked = choices.map(choice => {
      const one = make(box, "button", choice);
      one.onclick = () => {
        clicked({ choice });
        asked.map(other => other.remove());
        make(box, "p", "Thank you!").role = "status";
        shut.focus();
      };
      return one;
    });
    if (button) {
      const url = href && safely(() => new URL(href, location));
      const safe = /^http/.test(url?.protocol);
      const go = make(box, safe ? "a" : "button", button, "go");
      if (safe) go.href = url;
      go.onclick = () => {
        clicked();
        copy();
        if (!safe) close();
      };
    }
    return box;
  };

  // Campaigns of this page: wait for the event, then for the moment; every arm tells that its moment came.
  let happened;
  let armed;
  let route;
  const fire = (campaign, signal) => {
    const { format, salt, arm, round } = campaign;
    if (signal.aborted || visit().seen[salt]) return;
    if (document.querySelector("dialog[open],volano-" + format)) return later(() => fire(campaign, signal), 500);
    known.touch.seen[salt] = 1;
    store();
    const tell = (name, more) => {
      track(name, { experiment_id: campaign.campaign, variation_id: arm, round, ...more });
      flush(1);
    };
    tell("Experiment Viewed");
    const content = campaign.arms.find(({ key }) => key == arm)?.content;
    if (!content) return;
    const place = make(document.body, "volano-" + format);
    const box = draw(place.attachShadow({ mode: "open" }), { format, content }, more => tell("Campaign Clicked", more));
    box.addEventListener("close", () => {
      place.remove();
      tell("Campaign Closed");
    });
    box.showModal?.();
  };
  const arm = (campaign, id, { signal }) => {
    campaign.arm ??= drawn(campaign, campaign.id ?? id);
    if (!campaign.arm) return;
    const { on: name, then, value } = campaign.trigger;
    const now = () => fire(campaign, signal);
    const wake = () => {
      if (then == "now") return now();
      if (then == "seconds") return later(now, value * 1e3);
      let idle;
      let deepest = 0;
      let lastY = scrollY;
      let lastAt = 0;
      on(
        "scroll",
        ({ timeStamp }) => {
          deepest = Math.max(deepest, ((scrollY + innerHeight) / document.documentElement.scrollHeight) * 100);
          if (then == "scroll") return deepest >= value && now();
          const gone = timeStamp - lastAt;
          if (gone < 50) return;
          if (deepest > 30 && lastY - scrollY > gone && matchMedia("(pointer:coarse)").matches) now();
          lastY = scrollY;
          lastAt = timeStamp;
        },
        signal,
      );
      if (then != "exit") return;
      const rest = () => {
        clearTimeout(idle);
        idle = later(now, 3e4);
      };
      rest();
      on("pointermove pointerdown keydown scroll", rest, signal);
      on("mouseout", ({ relatedTarget, clientY }) => relatedTarget || clientY > 0 || now(), signal);
    };
    happened[name] ? wake() : armed.push([name, wake]);
  };
  const ask = async route => {
    const body = JSON.stringify({ writeKey, ...who() });
    // who allows no storage stays outside experiments
    if (!stored) return;
    const answer = await post("/v1/decide", body, { signal: AbortSignal.timeout(3e3) });
    const { id, campaigns } = await answer.json();
    campaigns.map(campaign => safely(() => arm(campaign, id, route)));
  };

  const happen = event => {
    happened[event] = 1;
    armed = armed.filter(([name, wake]) => name != event || safely(wake));
  };
  const track = (event, properties) => {
    send("track", { event, properties });
    happen(event);
  };
  const identify = (user, traits) => {
    visit();
    known.user = user;
    store();
    send("identify", { traits });
  };
  const page = properties => {
    route?.abort();
    route = new AbortController();
    happened = {};
    armed = [];
    send("page", { properties });
    happen("Page Viewed");
    ask(route).catch(() => {});
  };

  // What a page says by its markup: attributes of what is seen and of what is clicked.
  const declared = ({ volanoPage, volanoEvent = volanoPage, ...data }) => {
    const properties = {};
    for (const key in data) {
      const name = key.replace(/[A-Z]/g, "_$&").toLowerCase().split("volano_")[1];
      if (name) properties[name == "product" ? "product_id" : name] = data[key];
    }
    track(volanoEvent, properties);
  };
  const start = () => {
    let here;
    const moved = () => {
      const there = location.pathname + location.search;
      if (there != here) page();
      here = there;
    };
    for (const name of ["pushState", "replaceState"]) {
      const before = history[name];
      history[name] = function (...given) {
        before.apply(this, given);
        safely(moved);
      };
    }
    moved();
    for (const shown of document.querySelectorAll("[data-volano-page]")) declared(shown.dataset);
    on("popstate", moved);
    on("pagehide visibilitychange", () => flush(1));
    on("click", ({ target }) => {
      const told = target.closest?.("[data-volano-event]");
      if (told) declared(told.dataset);
    });
  };

  const api = silent ? { track() {}, identify() {}, page() {} } : { track, identify, page };
  const early = window.volano ?? [];
  window.volano = api;
  api.hash = hash;
  api.preview = (place, campaign) => {
    const box = draw(place.shadowRoot ?? place.attachShadow({ mode: "open" }), campaign);
    box.className = "here";
    box.inert = box.open = !0;
  };
  api.push = ([name, ...given]) => safely(() => api[name](...given));
  const begin = () => {
    silent || start();
    early.map(api.push);
  };
  document.readyState == "loading" ? on("DOMContentLoaded", begin) : safely(begin);
})();
