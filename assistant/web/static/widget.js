// The chat on a shop's own page: one script tag makes a button and a frame.
//
//   <script src="https://chat.example/aisle/widget.js" data-token="…" async></script>
//
// `data-token` is the token that the shop's site signs for whoever is signed in there; it goes to
// the frame by postMessage, to its own origin alone. Later: aisle.signIn(token), aisle.signOut(),
// aisle.open(), aisle.close(). Beside a strict Content-Security-Policy it needs script-src and frame-src of the
// chat's origin, and no inline style: the styles are a constructed sheet in a shadow root.

(() => {
  const script = document.currentScript;
  if (!script || window.aisle) return;
  const origin = new URL(script.src).origin;
  const label = script.dataset.label || "Chat with us";
  const key = "aisle-widget-open";
  let token = script.dataset.token || "", frame = null, ready = false, unread = 0;

  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    :host { all: initial; position: fixed; right: 20px; bottom: 20px; z-index: 2147483000; }
    button { position: relative; width: 60px; height: 60px; border: 0; border-radius: 50%; background: #1d6b48; color: #fff; cursor: pointer; box-shadow: 0 4px 16px rgb(0 0 0 / 25%); }
    button:focus-visible { outline: 3px solid #1d6b48; outline-offset: 3px; }
    svg { width: 28px; height: 28px; }
    output { position: absolute; top: -4px; right: -4px; min-width: 22px; height: 22px; border-radius: 11px; background: #b3261e; color: #fff; font: 700 13px/22px system-ui, sans-serif; text-align: center; }
    iframe { position: fixed; right: 20px; bottom: 92px; width: min(420px, calc(100vw - 40px)); height: min(680px, calc(100vh - 112px)); border: 0; border-radius: 18px; background: #fff; box-shadow: 0 8px 40px rgb(0 0 0 / 25%); }
    [hidden] { display: none; }
    @media (max-width: 600px) { iframe { inset: 0 0 auto; width: 100vw; height: calc(100vh - 92px); border-radius: 0; } }
  `);
  const host = document.createElement("div");
  const shadow = host.attachShadow({ mode: "open" });
  shadow.adoptedStyleSheets = [sheet];
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("aria-label", label);
  button.setAttribute("aria-expanded", "false");
  button.innerHTML = '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" aria-hidden="true"><path d="M4 5h16v11H9l-5 4z" stroke-linejoin="round"/></svg>';
  const badge = document.createElement("output");
  badge.hidden = true;
  button.append(badge);
  shadow.append(button);

  function remember(open) {
    try { localStorage.setItem(key, open ? "1" : "0"); } catch { /* a page without storage */ }
  }
  function remembered() {
    try { return localStorage.getItem(key) === "1"; } catch { return false; }
  }
  function count(number) {
    unread = number;
    badge.textContent = number;
    badge.hidden = number === 0;
    button.setAttribute("aria-label", number ? `${label} (${number} new)` : label);
  }
  function pass() {
    if (ready && token) frame.contentWindow.postMessage({ aisle: "sign-in", token }, origin);
    if (ready) token = "";
  }
  function open() {
    if (!frame) {
      frame = document.createElement("iframe");
      frame.title = label;
      frame.src = `${origin}/`;
      shadow.prepend(frame);
    }
    frame.hidden = false;
    button.setAttribute("aria-expanded", "true");
    count(0);
    remember(true);
  }
  function close() {
    if (frame) frame.hidden = true;
    button.setAttribute("aria-expanded", "false");
    remember(false);
  }
  const isOpen = () => frame && !frame.hidden;

  button.addEventListener("click", () => (isOpen() ? close() : open()));
  window.addEventListener("message", (event) => {
    if (!frame || event.source !== frame.contentWindow || event.origin !== origin) return;
    const told = event.data?.aisle;
    if (told === "ready") { ready = true; pass(); }
    if (told === "said" && !isOpen()) count(unread + 1);
    if (told === "close") { close(); button.focus(); }
  });
  window.aisle = {
    open,
    close,
    signIn(given) { token = given; pass(); },
    signOut() {
      token = "";
      if (!frame) open();
      if (ready) frame.contentWindow.postMessage({ aisle: "sign-out" }, origin);
    },
  };

  const start = () => { document.body.append(host); if (remembered()) open(); };
  if (document.body) start(); else document.addEventListener("DOMContentLoaded", start);
})();
