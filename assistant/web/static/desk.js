// The desk. The server draws turns; this lists, listens, and sends what a colleague does.

const root = await found("aisle");
const $ = (id) => document.getElementById(`desk-${id}`);
const bar = root.querySelector(".bar"), columns = root.querySelector(".columns");
const turns = $("turns"), text = $("text");
let me, entries = [], open = null, whole = null, stream, list, asNote = false, products = [];
let known = null;  // who waited when the list was last drawn; null before the first time

function found(id) {
  return new Promise((resolve) => {
    const look = () => {
      const element = document.getElementById(id);
      if (element) { watcher.disconnect(); resolve(element); }
    };
    const watcher = new MutationObserver(look);
    watcher.observe(document.documentElement, { childList: true, subtree: true });
    look();
  });
}

async function call(method, path, body) {
  const answer = await fetch(`/api/v1/desk/${path}`, {
    method,
    headers: body ? { "Content-Type": "application/json" } : {},
    body: body ? JSON.stringify(body) : undefined,
  });
  const document = await answer.json().catch(() => ({}));
  if (answer.status === 401 && path !== "login") showLogin();
  if (!answer.ok) throw new Error(document.error || answer.statusText);
  return document;
}

function make(tag, { text: said, ...given } = {}, ...inside) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  if (said != null) element.textContent = said;
  element.append(...inside);
  return element;
}

function notice(said) {
  $("notice").textContent = said || "";
  $("notice").hidden = !said;
}

// --- signing in ---

function showLogin() {
  stream?.close();
  list?.close();
  [me, open, whole, known] = [null, null, null, null];
  bar.hidden = columns.hidden = true;
  turns.replaceChildren();
  $("packet").replaceChildren();
  $("list").replaceChildren();
  document.title = `Desk · ${root.dataset.shop}`;
  $("login").hidden = false;
  root.classList.add("ready");
}

$("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await call("POST", "login", { name: $("name").value, password: $("password").value });
    $("password").value = "";
    $("refused").hidden = true;
    await boot();
  } catch (error) {
    $("refused").textContent = error.message;
    $("refused").hidden = false;
  }
});
$("logout").addEventListener("click", async () => { await call("POST", "logout"); showLogin(); });

// --- the list ---

const reasons = {
  asks_for_a_person: "Asked for a person", complaint: "Complaint", upset: "Upset",
  problem_with_an_order: "Problem with an order", cannot_help: "Assistant could not help",
  "took over": "Taken over", claimed: "Opened again",
};
const shopperOf = (each) => (each.customer_id ? `Customer ${each.customer_id}` : "Guest");

let refreshing = null, again = false;
function refresh() {
  // One request at a time; whatever happens meanwhile asks for one more.
  if (refreshing) { again = true; return refreshing; }
  refreshing = drawList().catch((error) => me && notice(error.message)).finally(() => {
    refreshing = null;
    if (again) { again = false; refresh(); }
  });
  return refreshing;
}

async function drawList() {
  const found = await call("GET", "conversations");
  entries = found.conversations;
  $("open").textContent = found.open ? "Open" : "Closed at this hour";
  $("count").textContent = found.waiting
    ? `${found.waiting} waiting` : "Nobody waits";
  drawEntries();
  const waiting = new Set(entries.filter((e) => e.state === "waiting").map((e) => e.conversation_id));
  if (known && [...waiting].some((id) => !known.has(id))) beep();
  known = waiting;
  badge();
}

function drawEntries() {
  const focused = document.activeElement?.dataset?.id;
  $("list").replaceChildren(...entries.map((each) => {
    const unread = each.unread && each.conversation_id !== open ? make("output", { text: each.unread, "aria-label": `${each.unread} unread` }) : "";
    return make("li", {}, make("button", {
      type: "button", "data-id": each.conversation_id, "data-state": each.state,
      "aria-current": String(each.conversation_id === open),
      onclick: () => show(each.conversation_id),
    },
      make("strong", { text: shopperOf(each) }), unread,
      make("span", { class: `why${each.priority ? " urgent" : ""}`, text: reasons[each.reason] || each.reason }),
      make("span", { class: "last", text: each.last }),
      make("span", { class: "who", text: each.state === "waiting" ? "Waiting" : each.mine ? "You" : each.colleague }),
      make("time", { "data-since": each.asked_at, "data-due": each.due_at }),
    ));
  }));
  if (focused) $("list").querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
  tick();
}

function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds)), minutes = Math.floor(whole / 60);
  if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${minutes}:${String(whole % 60).padStart(2, "0")}`;
}

function tick() {
  const now = Date.now();
  for (const clock of root.querySelectorAll("time[data-since]")) {
    const due = clock.dataset.due ? Date.parse(clock.dataset.due) : null;
    const late = due !== null && now > due;
    clock.classList.toggle("breach", late);
    clock.textContent = late ? `Late by ${span((now - due) / 1000)}`
      : due !== null ? `Answer within ${span((due - now) / 1000)}`
        : `Answered · ${span((now - Date.parse(clock.dataset.since)) / 1000)}`;
  }
}
setInterval(tick, 1000);

function badge() {
  const count = entries.filter((e) => e.state === "waiting" || (e.mine && e.unread && e.conversation_id !== open)).length;
  document.title = `${count ? `(${count}) ` : ""}Desk · ${root.dataset.shop}`;
}

let sound;
function beep() {
  try {
    sound ||= new AudioContext();
    const tone = sound.createOscillator(), gain = sound.createGain();
    tone.frequency.value = 880;
    gain.gain.setValueAtTime(0.08, sound.currentTime);
    gain.gain.exponentialRampToValueAtTime(0.0001, sound.currentTime + 0.35);
    tone.connect(gain).connect(sound.destination);
    tone.start();
    tone.stop(sound.currentTime + 0.35);
  } catch { /* a browser without sound still shows the badge */ }
}

// --- one conversation ---

async function show(id) {
  if (open !== id) { setDraft(false); products = []; drawCards(); text.value = ""; }
  open = id;
  stream?.close();
  notice("");
  const heard = stream = new EventSource(`/api/v1/desk/conversations/${id}/events?format=html`);
  heard.addEventListener("conversation", (event) => {
    turns.innerHTML = JSON.parse(event.data).html;
    read();
  });
  heard.addEventListener("turn", (event) => drawTurn(JSON.parse(event.data)));
  heard.addEventListener("standing", () => read());
  heard.addEventListener("here", () => setHere(true));
  heard.addEventListener("gone", () => setHere(false));
  heard.addEventListener("typing", (event) => {
    if (!JSON.parse(event.data).by) showTyping("The shopper is writing");
  });
  $("empty").hidden = true;
  drawEntries();
}

let reading = 0;
async function read() {
  const id = open, number = ++reading;
  try {
    const found = await call("GET", `conversations/${id}`);
    if (id !== open || number !== reading) return;
    whole = found;
    drawHead();
    drawPacket();
    drawAsides();
    toEnd();
    if (isMine()) call("POST", `conversations/${id}/seen`).catch(() => {});
  } catch (error) { notice(error.message); }
}

const isMine = () => whole?.standing.state === "with_staff" && whole.standing.colleague === me.name;

function drawTurn(turn) {
  const drawn = document.getElementById(`turn-${turn.turn_id}`);
  if (drawn) drawn.outerHTML = turn.html;
  else turns.insertAdjacentHTML("beforeend", turn.html);
  if (turn.kind === "message") showTyping("");
  if (!drawn) toEnd();
  if (!drawn && isMine()) call("POST", `conversations/${open}/seen`).catch(() => {});
}

function drawHead() {
  const { state, colleague, email } = whole.standing;
  $("title").textContent = shopperOf(whole);
  const who = { waiting: "Waiting for a colleague", with_assistant: "With the assistant", resolved: "Resolved" };
  $("under").textContent = `${who[state] || `With ${colleague}`}${whole.here ? " · here now" : " · away"}${email ? ` · ${email}` : ""}`;
  const act = (name, path, main) => make("button", { type: "button", class: main && "main", text: name,
    onclick: () => done(path) });
  const acts = [];
  if (state !== "with_staff") acts.push(act(state === "waiting" ? "Claim" : "Take over", "claim", true));
  if (isMine()) acts.push(act("Release", "release"), act("Return to the assistant", "return"), act("Resolve", "resolve", true));
  acts.push(make("a", { href: `/api/v1/desk/conversations/${open}/export`, download: true, text: "Export" }));
  $("acts").replaceChildren(...acts);
  $("write").hidden = false;
  writeAs(asNote || !isMine());
  $("as-reply").disabled = !isMine();
  for (const each of ["draft", "product", "canned"]) $(each).disabled = !isMine();
  $("canned").replaceChildren(make("option", { value: "", text: "Ready reply…" }), ...whole.canned.map((each, place) =>
    make("option", { value: place, disabled: each.missing.length > 0,
      text: each.missing.length ? `${each.title} (no ${each.missing.join(", ")})` : each.title })));
}

function setHere(here) {
  if (!whole) return;
  whole.here = here;
  drawHead();
}

async function done(path) {
  try {
    notice("");
    await call("POST", `conversations/${open}/${path}`);
    if (path === "claim") { writeAs(false); text.focus(); }
  } catch (error) { notice(error.message); }
  await read();
  refresh();
}

function drawAsides() {
  for (const each of turns.querySelectorAll(".aside")) each.remove();
  const moves = { claimed: "took it", released: "released it", returned: "returned it to the assistant",
    resolved: "resolved it", silent: "put it back: no answer", withdrew: "went on with the assistant",
    "took over": "took it over", "wrote again": "wrote again",
    asks_for_a_person: "asked for a person", upset: "asked for a person, upset" };
  const names = { shopper: "The shopper", assistant: "The assistant", system: "The desk" };
  const asides = [
    ...whole.history.map((each) => ({ ...each, html: make("p", { class: "aside move",
      text: `${names[each.by] || each.by} ${moves[each.reason] || "gave it to the desk"}` }) })),
    ...whole.notes.map((each) => ({ ...each, html: make("div", { class: "aside note" },
      make("strong", { text: `${each.author} · private note` }), make("p", { text: each.text })) })),
  ].sort((a, b) => a.at.localeCompare(b.at));
  const drawn = [...turns.querySelectorAll(".turn")];
  for (const { position, html } of asides.reverse()) {
    if (position > 0 && drawn[position - 1]) drawn[position - 1].after(html);
    else turns.prepend(html);
  }
}

function drawPacket() {
  const { packet } = whole;
  const part = (title, ...inside) => make("section", {}, make("h3", { text: title }), ...inside);
  const html = (given) => { const box = make("div"); box.innerHTML = given; return box; };
  const profile = Object.entries(packet.profile).map(([key, value]) =>
    make("li", {}, make("span", { text: key.replaceAll("_", " ") }), ` ${value}`));
  const tried = packet.tried.map((each) =>
    make("li", { text: `${each.tool.replaceAll("_", " ")}${each.ok ? "" : " (found nothing)"}` }));
  $("packet").replaceChildren(
    part("What they want", make("p", { text: packet.wants || "They have not said yet." })),
    part("Who", make("p", { class: packet.verified ? "yes" : "no",
      text: packet.verified ? `Signed in as customer ${packet.customer_id}` : "Not signed in: a guest" }),
    make("ul", { class: "profile" }, ...profile)),
    part("Orders", packet.orders_html ? html(packet.orders_html) : make("p", { text: packet.verified ? "None." : "Unknown: not signed in." })),
    part("Cart", packet.cart_html ? html(packet.cart_html) : make("p", { text: "Empty." })),
    part("The assistant tried", tried.length ? make("ol", {}, ...tried) : make("p", { text: "Nothing." })),
    part("From the record", make("pre", { text: packet.summary || "No messages yet." })),
  );
}

let typingEnds;
function showTyping(said) {
  clearTimeout(typingEnds);
  $("typing").textContent = said;
  $("typing").hidden = !said;
  if (said) typingEnds = setTimeout(() => showTyping(""), 4000);
}

function toEnd() { $("talk").scrollTo({ top: $("talk").scrollHeight }); }

// --- writing ---

function writeAs(note) {
  asNote = note;
  $("as-note").setAttribute("aria-pressed", String(note));
  $("as-reply").setAttribute("aria-pressed", String(!note));
  $("form").classList.toggle("noting", note);
  $("send").textContent = note ? "Keep the note" : "Send";
  text.placeholder = note ? "A note for colleagues; the shopper never sees it" : "Write to the shopper";
  text.setAttribute("aria-label", text.placeholder);
}

function setDraft(on) {
  $("draft-mark").hidden = !on;
  $("form").classList.toggle("drafted", on);
}

function drawCards() {
  $("cards").replaceChildren(...products.map((each) => make("button", { type: "button", class: "chip",
    text: `${each.title} ×`, "aria-label": `Take out ${each.title}`,
    onclick: () => { products = products.filter((other) => other !== each); drawCards(); } })));
}

async function send() {
  const said = text.value.trim(), note = asNote;
  if (!said && (note || !products.length)) return;
  const path = `conversations/${open}`;
  $("send").disabled = true;
  try {
    if (note) await call("POST", `${path}/notes`, { text: said });
    else await call("POST", `${path}/reply`, { text: said, products: products.map((p) => p.product_id) });
    text.value = "";
    if (!note) { products = []; drawCards(); setDraft(false); }
    notice("");
    if (note) await read();
  } catch (error) { notice(error.message); }
  $("send").disabled = false;
}

$("form").addEventListener("submit", (event) => { event.preventDefault(); send(); });
text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); send(); }
});
let toldTyping = 0;
text.addEventListener("input", () => {
  if (asNote || !isMine() || Date.now() - toldTyping < 2000) return;
  toldTyping = Date.now();
  call("POST", `conversations/${open}/typing`).catch(() => {});
});
$("as-reply").addEventListener("click", () => { writeAs(false); text.focus(); });
$("as-note").addEventListener("click", () => { writeAs(true); text.focus(); });
$("canned").addEventListener("change", () => {
  const chosen = whole.canned[$("canned").value];
  if (chosen) { text.value = chosen.text; writeAs(false); text.focus(); }
  $("canned").value = "";
});
$("draft").addEventListener("click", async () => {
  const id = open;
  $("draft").disabled = true;
  $("draft").textContent = "Drafting…";
  try {
    const draft = await call("POST", `conversations/${id}/draft`);
    if (id === open) {
      writeAs(false);
      text.value = draft.text;
      products = draft.products;
      drawCards();
      setDraft(true);
      text.focus();
      notice("");
    }
  } catch (error) { notice(error.message); }
  $("draft").textContent = "Draft";
  $("draft").disabled = !isMine();
});
$("draft-drop").addEventListener("click", () => { text.value = ""; products = []; drawCards(); setDraft(false); });

const shelf = $("products");
$("product").addEventListener("click", () => { shelf.showModal(); shelf.querySelector("input").focus(); });
shelf.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const wanted = shelf.querySelector("input").value.trim();
  if (!wanted) return;
  const found = await call("GET", `products?q=${encodeURIComponent(wanted)}`);
  shelf.querySelector("ul").replaceChildren(...found.map((each) => {
    const item = make("li");
    item.innerHTML = each.html;
    item.append(make("button", { type: "button", class: "main", text: "Add to the reply",
      "aria-label": `Add to the reply: ${each.title}`,
      onclick: () => { products = [...products.filter((p) => p.product_id !== each.product_id), each].slice(-6); drawCards(); shelf.close(); text.focus(); } }));
    return item;
  }));
});
shelf.addEventListener("click", (event) => { if (event.target === shelf || event.target.matches(".close")) shelf.close(); });

$("next").addEventListener("click", async () => {
  try {
    const { conversation_id: id } = await call("POST", "next");
    if (id) { await show(id); await refresh(); writeAs(false); text.focus(); } else $("count").textContent = "Nobody waits";
  } catch (error) { $("count").textContent = error.message; }
});
$("search").addEventListener("submit", async (event) => {
  event.preventDefault();
  const wanted = $("search").querySelector("input").value.trim();
  if (!wanted) { refresh(); return; }
  const found = await call("GET", `search?q=${encodeURIComponent(wanted)}`);
  $("count").textContent = `${found.length} found`;
  $("list").replaceChildren(...found.map((each) => make("li", {}, make("button", { type: "button",
    "data-id": each.conversation_id, onclick: () => show(each.conversation_id) },
  make("strong", { text: shopperOf(each) }), make("span", { class: "who", text: each.state.replaceAll("_", " ") }),
  make("span", { class: "last", text: new Date(each.updated_at).toLocaleString() })))));
});

function listen() {
  list?.close();
  const heard = list = new EventSource("/api/v1/desk/events");
  heard.addEventListener("queue", () => refresh());
  heard.addEventListener("error", () => {
    if (heard.readyState === EventSource.CLOSED && heard === list) {
      setTimeout(() => boot().catch(() => listen()), 1500);
    }
  });
}
// Says that this colleague is there, and finds what fell due without anything happening.
setInterval(() => me && refresh(), 15000);

async function boot() {
  try {
    me = await call("GET", "me");
  } catch (error) {
    if (!me) { showLogin(); return; }
    throw error;
  }
  $("login").hidden = true;
  bar.hidden = columns.hidden = false;
  $("me").textContent = me.name;
  $("numbers").hidden = me.role !== "admin";
  listen();
  await refresh();
  if (open) show(open);
  root.classList.add("ready");
}
boot();
