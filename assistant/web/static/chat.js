// The shopper's page. The server draws turns; this sends, listens and puts them in place.

const root = await found("aisle");
const $ = (id) => document.getElementById(`aisle-${id}`);
const talk = $("talk"), turns = $("turns"), form = $("form"), box = $("write");
let language = localStorage.getItem("aisle-language")
  || (navigator.language.startsWith("zh") ? "zh" : "en");
let me, conversation, stream, running = null;
let refused = "";  // why the sign-in that the page came with was not taken
// While the shopper or the conversation changes, a message waits for the one it is meant for.
let changing = Promise.resolve();

// Gradio draws the page some time after this script has run.
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
  const answer = await fetch(`/api/v1/${path}`, {
    method,
    headers: body ? { "Content-Type": "application/json" } : {},
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
  listen();
}

function listen() {
  stream?.close();
  const path = `/api/v1/conversations/${conversation.conversation_id}`;
  const heard = stream = new EventSource(`${path}/events?format=html&language=${language}`);
  let lost = 0;
  heard.addEventListener("open", () => { lost = 0; notice(refused); });
  heard.addEventListener("conversation", (event) => {
    const { html, state } = JSON.parse(event.data);
    turns.innerHTML = html;
    setRunning(turns.querySelector('[data-status="running"]') ? "" : null);
    settle(state);
    toEnd();
  });
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
  setRunning(turn.status === "running" ? turn.turn_id : null);
  if (turn.reply) $("announce").textContent = turn.reply;
  if (turn.cart) call("GET", `cart?language=${language}`).then(showCart);
  settle(turn.state || conversation.state);
  if (atEnd || !drawn) toEnd();
}

function setRunning(id) {
  running = id;
  $("send").hidden = running !== null;
  $("stop").hidden = running === null;
}

function settle(state) {
  conversation.state = state;
  $("empty").hidden = turns.childElementCount > 0;
  $("person").hidden = state !== "with_assistant";
  if (state === "waiting") {
    if (!$("waiting")) {
      const banner = document.createElement("p");
      banner.id = "aisle-waiting";
      banner.className = "banner";
      turns.after(banner);
    }
    $("waiting").textContent = me.texts.waiting;
  } else $("waiting")?.remove();
}

function toEnd() {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  talk.scrollTo({ top: talk.scrollHeight, behavior: calm ? "auto" : "smooth" });
}

async function send(text) {
  if (!text.trim() || running !== null) return;
  notice(refused = "");
  setRunning("");
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
box.addEventListener("input", grow);
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
  await call("POST", `conversations/${conversation.conversation_id}/handoff`);
});
$("language").addEventListener("click", async () => {
  language = language === "en" ? "zh" : "en";
  localStorage.setItem("aisle-language", language);
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
    setRunning("");
    const path = `conversations/${conversation.conversation_id}/changes/${answer.dataset.change}/answer`;
    await call("POST", path, { answer: answer.dataset.answer }).catch((error) => {
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

async function boot() {
  refused = await signInByAddress();
  await greet();
  await open();
  root.classList.add("ready");
}
boot().catch((error) => notice(error.message));
