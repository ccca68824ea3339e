// The desk. The server draws turns; this lists, listens, and sends what a colleague does.

import { $, call, language, make, remember, root, speak, t } from "/aisle/desk-base.js";
import { proposeChange } from "/aisle/desk-changes.js";

const bar = root.querySelector(".bar"), columns = root.querySelector(".columns");
const turns = $("turns"), text = $("text");
let me, entries = [], open = null, whole = null, stream, list, asNote = false, products = [];
let known = null;  // who waited when the list was last drawn; null before the first time

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
  document.title = `${t("desk")} · ${root.dataset.shop}`;
  $("login").hidden = false;
  root.classList.add("ready");
}
root.addEventListener("signed-out", showLogin);

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

const shopperOf = (each) => (each.customer_id ? t("customer", { id: each.customer_id }) : t("guest"));

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
  $("open").textContent = t(found.open ? "open" : "closed");
  $("count").textContent = found.waiting
    ? t("waiting_count", { count: found.waiting }) : t("nobody_waits");
  drawEntries();
  const waiting = new Set(entries.filter((e) => e.state === "waiting").map((e) => e.conversation_id));
  if (known && [...waiting].some((id) => !known.has(id))) beep();
  known = waiting;
  badge();
}

function drawEntries() {
  const focused = document.activeElement?.dataset?.id;
  $("list").replaceChildren(...entries.map((each) => {
    const unread = each.unread && each.conversation_id !== open ? make("output", { text: each.unread, "aria-label": t("unread", { count: each.unread }) }) : "";
    return make("li", {}, make("button", {
      type: "button", "data-id": each.conversation_id, "data-state": each.state,
      "aria-current": String(each.conversation_id === open),
      onclick: () => show(each.conversation_id),
    },
      make("strong", { text: shopperOf(each) }), unread,
      make("span", { class: `why${each.priority ? " urgent" : ""}`, text: t(`reason_${each.reason}`) || each.reason }),
      make("span", { class: "last", text: each.last }),
      make("span", { class: "who", text: each.state === "waiting" ? t("waiting") : each.mine ? t("you") : each.colleague }),
      make("time", { "data-since": each.asked_at, "data-due": each.due_at }),
    ));
  }));
  if (focused) $("list").querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
  tick();
}

function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds)), minutes = Math.floor(whole / 60);
  if (minutes >= 60) return t("hours_minutes", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
  return `${minutes}:${String(whole % 60).padStart(2, "0")}`;
}

function tick() {
  const now = Date.now();
  for (const clock of root.querySelectorAll("time[data-since]")) {
    const due = clock.dataset.due ? Date.parse(clock.dataset.due) : null;
    const late = due !== null && now > due;
    clock.classList.toggle("breach", late);
    clock.textContent = late ? t("late_by", { span: span((now - due) / 1000) })
      : due !== null ? t("answer_within", { span: span((due - now) / 1000) })
        : t("answered_since", { span: span((now - Date.parse(clock.dataset.since)) / 1000) });
  }
}
setInterval(tick, 1000);

function badge() {
  const count = entries.filter((e) => e.state === "waiting" || (e.mine && e.unread && e.conversation_id !== open)).length;
  document.title = `${count ? `(${count}) ` : ""}${t("desk")} · ${root.dataset.shop}`;
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
  const heard = stream = new EventSource(`/api/v1/desk/conversations/${id}/events?format=html&language=${language}`);
  heard.addEventListener("conversation", (event) => {
    turns.innerHTML = JSON.parse(event.data).html;
    read();
  });
  heard.addEventListener("turn", (event) => drawTurn(JSON.parse(event.data)));
  heard.addEventListener("standing", () => read());
  heard.addEventListener("brief", () => read());
  heard.addEventListener("here", () => setHere(true));
  heard.addEventListener("gone", () => setHere(false));
  heard.addEventListener("typing", (event) => {
    if (!JSON.parse(event.data).by) showTyping(t("typing"));
  });
  $("empty").hidden = true;
  drawEntries();
}

let reading = 0;
async function read() {
  const id = open, number = ++reading;
  try {
    const found = await call("GET", `conversations/${id}?language=${language}`);
    if (id !== open || number !== reading) return;
    whole = found;
    drawHead();
    drawPacket();
    drawAsides();
    drawWithdraw();
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
  drawWithdraw();
  if (!drawn) toEnd();
  if (!drawn && isMine()) call("POST", `conversations/${open}/seen`).catch(() => {});
}

function drawHead() {
  const { state, colleague, email } = whole.standing;
  $("title").textContent = shopperOf(whole);
  const whose = state === "with_staff" ? t("with_colleague", { name: colleague }) : t(`state_${state}`);
  $("under").textContent = [whose, t(whole.here ? "here" : "away"), email].filter(Boolean).join(" · ");
  const act = (name, path, main) => make("button", { type: "button", class: main && "main", text: name,
    onclick: () => done(path) });
  const acts = [];
  if (state !== "with_staff") acts.push(act(t(state === "waiting" ? "claim" : "take_over"), "claim", true));
  if (isMine()) acts.push(act(t("release"), "release"), act(t("return"), "return"), act(t("resolve"), "resolve", true));
  acts.push(make("a", { href: `/api/v1/desk/conversations/${open}/export`, download: true, text: t("export") }));
  $("acts").replaceChildren(...acts);
  $("write").hidden = false;
  writeAs(asNote || !isMine());
  $("as-reply").disabled = !isMine();
  for (const each of ["draft", "product", "canned", "order"]) $(each).disabled = !isMine();
  $("canned").replaceChildren(make("option", { value: "", text: t("canned_more") }), ...whole.canned.map((each, place) =>
    make("option", { value: place, disabled: each.missing.length > 0,
      text: each.missing.length ? t("canned_missing", { title: each.title, missing: each.missing.join(", ") }) : each.title })));
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
  const asides = [
    ...whole.history.map((each) => ({ ...each, html: make("p", { class: "aside move",
      text: t(`move_${each.reason}`, { by: t(`by_${each.by}`) || each.by })
        || t("move_other", { by: t(`by_${each.by}`) || each.by }) }) })),
    ...whole.notes.map((each) => ({ ...each, html: make("div", { class: "aside note" },
      make("strong", { text: t("private_note_of", { by: each.author }) }), make("p", { text: each.text })) })),
  ].sort((a, b) => a.at.localeCompare(b.at));
  const drawn = [...turns.querySelectorAll(".turn")];
  for (const { position, html } of asides.reverse()) {
    if (position > 0 && drawn[position - 1]) drawn[position - 1].after(html);
    else turns.prepend(html);
  }
}

// A change that waits for the shopper's yes may be taken back by the colleague who has it.
function drawWithdraw() {
  for (const each of turns.querySelectorAll(".said.staff .change")) {
    each.querySelector("[data-withdraw]")?.remove();
    if (!isMine() || !each.querySelector(".answers")) continue;
    each.append(make("button", { type: "button", "data-withdraw": each.dataset.change, text: t("withdraw") }));
  }
}

function drawPacket() {
  const { packet } = whole;
  const part = (title, ...inside) => make("section", {}, make("h3", { text: title }), ...inside);
  const html = (given) => { const box = make("div"); box.innerHTML = given; return box; };
  const profile = Object.entries(packet.profile).map(([key, value]) =>
    make("li", {}, make("span", { text: key.replaceAll("_", " ") }), ` ${value}`));
  const named = (tool) => t(`tool_${tool}`) || tool;
  const tried = packet.tried.map((each) => make("li", { text: each.ok ? named(each.tool) : t("found_nothing", { tool: named(each.tool) }) }));
  $("packet").replaceChildren(
    part(t("wants"), make("p", { text: packet.wants || t("wants_nothing") })),
    ...inShort(part),
    part(t("who"), make("p", { class: packet.verified ? "yes" : "no",
      text: packet.verified ? t("signed_in_as", { id: packet.customer_id }) : t("not_signed_in") }),
    make("ul", { class: "profile" }, ...profile)),
    part(t("orders"), packet.orders_html ? html(packet.orders_html) : make("p", { text: t(packet.verified ? "none" : "orders_unknown") })),
    part(t("cart"), packet.cart_html ? html(packet.cart_html) : make("p", { text: t("empty") })),
    part(t("tried"), tried.length ? make("ol", {}, ...tried) : make("p", { text: t("tried_nothing") })),
    part(t("record"), make("pre", { text: packet.summary || t("no_messages") })),
  );
}

// What the model made of the conversation, of which only what was found in it is shown.
function inShort(part) {
  const { brief } = whole;
  if (!brief) return [];
  const said = [brief.wants, brief.open && t("open_question", { text: brief.open }),
    brief.mood && t(`mood_${brief.mood}`, { words: brief.mood_words })].filter(Boolean);
  return [part(t("in_short"), ...said.map((text) => make("p", { text })), make("p", { class: "soft", text: t("in_short_more") }))];
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
  $("send").textContent = t(note ? "keep_note" : "send");
  text.placeholder = t(note ? "write_note" : "write_reply");
  text.setAttribute("aria-label", text.placeholder);
}

function setDraft(on) {
  $("draft-mark").hidden = !on;
  $("form").classList.toggle("drafted", on);
}

function drawCards() {
  $("cards").replaceChildren(...products.map((each) => make("button", { type: "button", class: "chip",
    text: `${each.title} ×`, "aria-label": t("take_out", { title: each.title }),
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
  $("draft").textContent = t("drafting");
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
  $("draft").textContent = t("draft");
  $("draft").disabled = !isMine();
});
$("draft-drop").addEventListener("click", () => { text.value = ""; products = []; drawCards(); setDraft(false); });

$("order").addEventListener("click", () => proposeChange(open));
turns.addEventListener("click", async (event) => {
  const change = event.target.closest("[data-withdraw]")?.dataset.withdraw;
  if (!change) return;
  await call("POST", `conversations/${open}/changes/${change}/withdraw`).catch((error) => notice(error.message));
});

const shelf = $("products");
$("product").addEventListener("click", () => { shelf.showModal(); shelf.querySelector("input").focus(); });
shelf.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const wanted = shelf.querySelector("input").value.trim();
  if (!wanted) return;
  const found = await call("GET", `products?q=${encodeURIComponent(wanted)}&language=${language}`);
  shelf.querySelector("ul").replaceChildren(...found.map((each) => {
    const item = make("li");
    item.innerHTML = each.html;
    item.append(make("button", { type: "button", class: "main", text: t("add_to_reply"),
      "aria-label": `${t("add_to_reply")}: ${each.title}`,
      onclick: () => { products = [...products.filter((p) => p.product_id !== each.product_id), each].slice(-6); drawCards(); shelf.close(); text.focus(); } }));
    return item;
  }));
});
shelf.addEventListener("click", (event) => { if (event.target === shelf || event.target.matches(".close")) shelf.close(); });

$("next").addEventListener("click", async () => {
  try {
    const { conversation_id: id } = await call("POST", "next");
    if (id) { await show(id); await refresh(); writeAs(false); text.focus(); } else $("count").textContent = t("nobody_waits");
  } catch (error) { $("count").textContent = error.message; }
});
$("search").addEventListener("submit", async (event) => {
  event.preventDefault();
  const wanted = $("search").querySelector("input").value.trim();
  if (!wanted) { refresh(); return; }
  const found = await call("GET", `search?q=${encodeURIComponent(wanted)}`);
  $("count").textContent = t("found_count", { count: found.length });
  $("list").replaceChildren(...found.map((each) => make("li", {}, make("button", { type: "button",
    "data-id": each.conversation_id, onclick: () => show(each.conversation_id) },
  make("strong", { text: shopperOf(each) }), make("span", { class: "who", text: t(`state_${each.state}`) }),
  make("span", { class: "last", text: new Date(each.updated_at).toLocaleString(language) })))));
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
  $("numbers").href = `/staff/numbers?language=${language}`;
  listen();
  await refresh();
  if (open) show(open);
  root.classList.add("ready");
}

for (const each of root.querySelectorAll(".language")) {
  each.addEventListener("click", async () => {
    await speak(language === "en" ? "zh" : "en");
    remember();
    await boot();
  });
}

await speak();
boot();
