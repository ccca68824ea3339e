// The shopper's page. The server draws turns; this sends, listens and puts them in place.

import { found } from "/aisle/found.js";

const root = await found("aisle");
const $ = (id) => document.getElementById(`aisle-${id}`);
const talk = $("talk"), turns = $("turns"), form = $("form"), box = $("write");
// In a frame of another site a browser may deny all storage: the choice then lasts as long as the page.
const kept = {
  get(key) { try { return localStorage.getItem(key); } catch { return null; } },
  set(key, value) { try { localStorage.setItem(key, value); } catch { /* denied */ } },
};
let language = kept.get("aisle-language") || (navigator.language.startsWith("zh") ? "zh" : "en");
let me, conversation, stream, standing = {}, running = null;
let refused = "";  // why the sign-in that the page came with was not taken
// While the shopper or the conversation changes, a message waits for the one it is meant for.
let changing = Promise.resolve();

async function call(method, path, body) {
  const answer = await fetch(`/api/v1/${path}`, {
    method,
    headers: { "Accept-Language": language, ...(body && { "Content-Type": "application/json" }) },
    body: body ? JSON.stringify(body) : undefined,
  });
  const document = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(document.error || answer.statusText);
  return document;
}

function notice(text) {
  $("notice").textContent = text || "";
  $("notice").hidden = !text;
}

// --- what the page says and who is speaking ---

async function greet() {
  me = await call("GET", `me?language=${language}`);
  document.documentElement.lang = language;
  for (const element of root.querySelectorAll("[data-text]")) {
    element.textContent = me.texts[element.dataset.text];
  }
  box.placeholder = me.texts.write;
  box.setAttribute("aria-label", me.texts.write);
  $("send").setAttribute("aria-label", me.texts.send);
  $("stop").setAttribute("aria-label", me.texts.stop);
  $("new").setAttribute("aria-label", me.texts.new);
  $("who").textContent = who(me.customer_id);
  $("who").hidden = !me.demo && !me.codes;
  $("mail").hidden = !me.codes;
  $("who").setAttribute("aria-label", `${me.texts.speak_as}: ${who(me.customer_id)}`);
  $("people").querySelector("ul").replaceChildren(...[
    { customer_id: null, description: me.texts.guest_more }, ...me.samples,
  ].map(person));
  const asks = me.customer_id
    ? ["ask_usual", "ask_new", "ask_order", "ask_help"]
    : ["ask_search", "ask_popular", "ask_help"];
  $("asks").replaceChildren(...asks.map((key) => button(me.texts[key], () => send(me.texts[key]))));
  showCart(await call("GET", `cart?language=${language}`));
}

const who = (id) => (id ? `${me.texts.household} ${id}` : me.texts.guest);

function button(text, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", act);
  return made;
}

function person({ customer_id: id, description }) {
  const item = document.createElement("li");
  const choose = button("", () => {
    $("people").close();
    change(async () => {
      if (id) {
        const { token } = await call("POST", "sign-in/sample", { customer_id: id });
        await call("POST", "sign-in", { token });
      } else await call("POST", "sign-out");
      await greet();
      await open();
    });
  });
  choose.setAttribute("aria-current", String(id === me.customer_id));
  const name = document.createElement("strong");
  name.textContent = who(id);
  const about = document.createElement("span");
  about.textContent = description;
  choose.append(name, about);
  item.append(choose);
  return item;
}

// --- the conversation ---

function change(step) {
  changing = changing.then(step).catch((error) => notice(error.message));
  return changing;
}

async function open(fresh = false) {
  const start = () => call("POST", "conversations", { language });
  conversation = fresh ? await start() : (await call("GET", "conversations/latest")) || await start();
  standing = {};
  listen();
}

function listen() {
  stream?.close();
  const path = `/api/v1/conversations/${conversation.conversation_id}`;
  const heard = stream = new EventSource(`${path}/events?format=html&language=${language}`);
  let lost = 0;
  heard.addEventListener("open", () => { lost = 0; notice(refused); });
  heard.addEventListener("conversation", (event) => {
    turns.innerHTML = JSON.parse(event.data).html;
    setRunning(turns.querySelector('[data-status="running"]') ? "" : null);
    settle();
    toEnd();
  });
  heard.addEventListener("standing", (event) => settle(JSON.parse(event.data)));
  heard.addEventListener("typing", (event) => showTyping(JSON.parse(event.data).by));
  heard.addEventListener("turn", (event) => drawTurn(JSON.parse(event.data)));
  heard.addEventListener("error", () => {
    lost += 1;
    if (lost > 1) notice(me.texts.offline);
    // A refusal (not a lost line) closes the stream for good: ask who we are, and begin again.
    if (heard.readyState === EventSource.CLOSED && heard === stream) {
      setTimeout(() => boot().catch(() => notice(me?.texts.offline)), 1500);
    }
  });
}

function drawTurn(turn) {
  const atEnd = talk.scrollHeight - talk.scrollTop - talk.clientHeight < 160;
  const drawn = document.getElementById(`turn-${turn.turn_id}`);
  if (drawn) {
    const focused = document.activeElement?.dataset?.add;
    drawn.outerHTML = turn.html;
    const again = document.getElementById(`turn-${turn.turn_id}`);
    if (focused) again.querySelector(`[data-add="${CSS.escape(focused)}"]`)?.focus();
  } else {
    turns.insertAdjacentHTML("beforeend", turn.html);
  }
  if (turn.kind === "answered") setRunning(turn.status === "running" ? turn.turn_id : null);
  if (turn.kind === "staff") {
    showTyping("");
    $("announce").textContent = document.getElementById(`turn-${turn.turn_id}`).textContent;
  }
  if (turn.status !== "running" && turn.kind !== "message") tellShop("said");
  if (turn.status === "running" && standing.state === "resolved") standing = {};
  if (turn.reply) $("announce").textContent = turn.reply;
  if (turn.cart) call("GET", `cart?language=${language}`).then(showCart);
  settle();
  if (atEnd || !drawn) toEnd();
}

function setRunning(id) {
  running = id;
  $("send").hidden = running !== null;
  $("stop").hidden = running === null;
}

function settle(told = standing) {
  standing = told;
  const { state = "with_assistant", banner } = standing;
  $("empty").hidden = turns.childElementCount > 0;
  $("person").hidden = isPeoples();
  $("standing")?.remove();
  if (!banner) return;
  const box = document.createElement("div");
  box.id = "aisle-standing";
  box.className = "banner";
  const said = document.createElement("p");
  said.id = state === "waiting" ? "aisle-waiting" : `aisle-${state}`;
  said.setAttribute("role", "status");
  said.textContent = banner;
  box.append(said);
  if (state === "waiting" && !standing.email && !(standing.there && standing.open)) box.append(emailForm());
  if (state === "waiting") {
    box.append(button(me.texts.back_to_assistant, () => handOff("DELETE", "handoff")));
  }
  if (state === "resolved" && standing.may_rate) box.append(stars());
  turns.after(box);
  toEnd();
}

async function handOff(method, path, body) {
  try {
    const id = conversation.conversation_id;
    settle(await call(method, `conversations/${id}/${path}?language=${language}`, body));
    notice("");
  } catch (error) { notice(error.message); }
}

function emailForm() {
  const form = document.createElement("form");
  const field = document.createElement("input");
  field.type = "email";
  field.required = true;
  field.autocomplete = "email";
  field.placeholder = me.texts.email_label;
  field.setAttribute("aria-label", me.texts.email_label);
  const leave = button(me.texts.email_leave, () => {});
  leave.type = "submit";
  form.append(field, leave);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    handOff("POST", "handoff/email", { email: field.value });
  });
  return form;
}

function stars() {
  const group = document.createElement("div");
  group.className = "stars";
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", me.texts.rate_person);
  const asked = document.createElement("span");
  asked.textContent = standing.rating ? me.texts.thanks_rated : me.texts.rate_person;
  group.append(asked, ...[1, 2, 3, 4, 5].map((rating) => {
    const star = button("★", () => handOff("POST", "handoff/rating", { rating }));
    star.setAttribute("aria-label", `${rating} ${me.texts.star}`);
    star.setAttribute("aria-pressed", String(rating <= (standing.rating || 0)));
    return star;
  }));
  return group;
}

let typingEnds;
function showTyping(by) {
  clearTimeout(typingEnds);
  $("typing").textContent = by ? me.texts.typing.replace("{by}", by) : "";
  $("typing").hidden = !by;
  if (by) typingEnds = setTimeout(() => showTyping(""), 4000);
}

let toldTyping = 0;
function tellTyping() {
  if (standing.state !== "with_staff" || Date.now() - toldTyping < 2000) return;
  toldTyping = Date.now();
  call("POST", `conversations/${conversation.conversation_id}/typing`).catch(() => {});
}

function toEnd() {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  talk.scrollTo({ top: talk.scrollHeight, behavior: calm ? "auto" : "smooth" });
}

// While people have the conversation no turn of the assistant's follows a message.
const isPeoples = () => standing.state === "waiting" || standing.state === "with_staff";

async function send(text) {
  if (!text.trim() || running !== null) return;
  notice(refused = "");
  if (!isPeoples()) setRunning("");
  try {
    await changing;
    const path = `conversations/${conversation.conversation_id}/messages`;
    const { turn_id: id } = await call("POST", path, { text });
    if (box.value === text) { box.value = ""; grow(); }
    if (running === "" && !document.getElementById(`turn-${id}`)) setRunning(id);
  } catch (error) {
    setRunning(turns.querySelector('[data-status="running"]') ? "" : null);
    notice(`${me.texts.not_sent}: ${error.message}`);
  }
}

function grow() {
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight, 160)}px`;
}

// --- the cart ---

function showCart(cart) {
  $("count").textContent = cart.count;
  $("count").hidden = cart.count === 0;
  $("cart").setAttribute("aria-label", `${me.texts.cart}: ${cart.count}`);
  $("basket").querySelector(".held").innerHTML = cart.html;
  return cart;
}

async function setQuantity(product, quantity) {
  try {
    const path = `cart/${encodeURIComponent(product)}?language=${language}`;
    return showCart(await call("PUT", path, { quantity }));
  } catch (error) {
    notice(error.message);
    return null;
  }
}

// --- what people press ---

form.addEventListener("submit", (event) => { event.preventDefault(); send(box.value); });
box.addEventListener("input", () => { grow(); tellTyping(); });
box.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    send(box.value);
  }
});
$("stop").addEventListener("click", () => {
  call("POST", `conversations/${conversation.conversation_id}/stop`);
  box.focus();
});
$("new").addEventListener("click", () => { change(() => open(true)); box.focus(); });
$("person").addEventListener("click", async () => {
  await changing;
  await handOff("POST", "handoff");
});
$("language").addEventListener("click", async () => {
  language = language === "en" ? "zh" : "en";
  kept.set("aisle-language", language);
  await greet();
  listen();
});
$("who").addEventListener("click", () => $("people").showModal());
$("cart").addEventListener("click", () => $("basket").showModal());
for (const dialog of root.querySelectorAll("dialog")) {
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.matches(".close")) dialog.close();
  });
}
$("basket").addEventListener("click", async (event) => {
  const step = event.target.closest("[data-set]");
  if (!step) return;
  const product = step.closest("[data-product]").dataset.product;
  const label = step.getAttribute("aria-label");
  if (await setQuantity(product, Number(step.dataset.set))) {
    $("basket").querySelector(`[aria-label="${CSS.escape(label)}"]`)?.focus();
  }
});
turns.addEventListener("click", async (event) => {
  const add = event.target.closest("[data-add]");
  if (add) {
    const held = $("basket").querySelector(`[data-product="${CSS.escape(add.dataset.add)}"] output`);
    const cart = await setQuantity(add.dataset.add, Number(held?.textContent || 0) + 1);
    if (cart) {
      add.textContent = me.texts.added;
      add.classList.add("done");
      setTimeout(() => { add.textContent = me.texts.add; add.classList.remove("done"); }, 1600);
    }
    return;
  }
  const answer = event.target.closest("[data-answer]");
  if (answer) {
    if (running !== null) return;
    if (!isPeoples()) setRunning("");
    const both = answer.parentElement.children;
    for (const each of both) each.disabled = true;
    const path = `conversations/${conversation.conversation_id}/changes/${answer.dataset.change}/answer`;
    await call("POST", path, { answer: answer.dataset.answer }).catch((error) => {
      for (const each of both) each.disabled = false;
      setRunning(turns.querySelector('[data-status="running"]') ? "" : null);
      notice(error.message);
    });
    return;
  }
  const rate = event.target.closest("[data-rate]");
  if (rate) {
    const pressed = rate.getAttribute("aria-pressed") === "true";
    const turn = rate.parentElement.dataset.turn;
    const rating = pressed ? 0 : Number(rate.dataset.rate);
    await call("POST", `conversations/${conversation.conversation_id}/turns/${turn}/rating`, { rating });
    for (const each of rate.parentElement.children) {
      each.setAttribute("aria-pressed", String(each === rate && !pressed));
    }
  }
});

// The shop's site opens the chat with `#token=…`: a fragment is sent to no server and logged by
// none, and it is taken out of the address at once.
async function signInByAddress() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!token) return "";
  history.replaceState(null, "", location.pathname + location.search);
  return call("POST", "sign-in", { token }).then(() => "", (error) => error.message);
}

$("mail").addEventListener("submit", async (event) => {
  event.preventDefault();
  const [address, code] = event.target.querySelectorAll("input");
  const said = event.target.querySelector("output");
  try {
    if (code.disabled) {
      await call("POST", "sign-in/code", { address: address.value });
      code.parentElement.hidden = false;
      said.textContent = me.texts.code_sent;
      code.disabled = false;
      event.target.querySelector("button span").textContent = me.texts.sign_in;
      code.focus();
      return;
    }
    await call("POST", "sign-in/code/check", { code: code.value });
  } catch (error) {
    said.textContent = error.message;
    return;
  }
  event.target.reset();
  code.disabled = code.parentElement.hidden = true;
  said.textContent = "";
  $("people").close();
  change(async () => { await greet(); await open(); });
});

// --- in the frame of a shop's page: static/widget.js is on the other side ---

function tellShop(said) {
  // It names nothing but that something happened, so any page that may frame us may hear it.
  if (parent !== window) parent.postMessage({ aisle: said }, "*");
}

window.addEventListener("message", (event) => {
  if (parent === window || event.source !== parent) return;
  const { aisle: asked, token } = event.data || {};
  if (asked !== "sign-in" && asked !== "sign-out") return;
  change(async () => {
    await call("POST", asked, asked === "sign-in" ? { token } : undefined);
    await greet();
    await open();
  });
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !root.querySelector("dialog[open]")) tellShop("close");
});

async function boot() {
  refused = await signInByAddress();
  await greet();
  await open();
  root.classList.add("ready");
  tellShop("ready");
}
boot().catch((error) => notice(error.message));
