// Proposing a change of one of the shopper's orders: choose it, see exactly what it does, show it
// to the shopper. Nothing here makes it; the shopper's yes in the chat does.

import { $, call, make, t, language } from "/aisle/desk-base.js";

const dialog = $("change"), form = dialog.querySelector("form");
const refused = dialog.querySelector(".refused"), effect = dialog.querySelector("section");
let id, options, proposed, key;

const field = (label, input) => make("label", {}, make("span", { text: label }), input);
const choice = (name, entries, onchange) => make("select", { name, onchange },
  ...entries.map(([value, text]) => make("option", { value, text })));
const given = (name) => form.elements[name]?.value.trim() ?? "";

export async function proposeChange(conversation) {
  id = conversation;
  form.replaceChildren();
  forget();
  dialog.showModal();
  try {
    options = await call("GET", `conversations/${id}/orders?language=${language}`);
  } catch (error) { refuse(error.message); return; }
  drawOrders();
}

function refuse(message) {
  refused.textContent = message;
  refused.hidden = !message;
}

// What was shown is of a choice that has changed since.
function forget() {
  refuse("");
  effect.hidden = true;
  effect.replaceChildren();
  [proposed, key] = [null, null];
}

function drawOrders() {
  const orders = options.orders.map((each) => [each.order_id, `${each.order_id} · ${each.status}`]);
  if (options.of_account) orders.push(["", t("account")]);
  form.replaceChildren(field(t("which_order"), choice("order", orders, drawKinds)));
  drawKinds();
}

const orderOf = () => options.orders.find((each) => each.order_id === given("order"));

function drawKinds() {
  forget();
  while (form.children.length > 1) form.lastChild.remove();
  const kinds = orderOf()?.kinds ?? ["change_address"];
  if (!kinds.length) { form.append(make("p", { text: t("not_possible") })); return; }
  const names = kinds.map((each) => [each, t(`tool_${each}`)]);
  form.append(field(t("what_change"), choice("kind", names, drawFields)));
  drawFields();
}

function drawFields() {
  forget();
  while (form.children.length > 2) form.lastChild.remove();
  const kind = given("kind");
  if (kind === "cancel_order") {
    form.append(field(t("reason"), options.reasons.length
      ? choice("reason", options.reasons.map((each) => [each, each])) : make("input", { name: "reason" })));
  }
  if (["change_order_items", "return_items", "exchange_items"].includes(kind)) {
    form.append(make("fieldset", {}, make("legend", { text: t("items") }), ...orderOf().lines.map((each) => line(each, kind))));
  }
  if (kind.endsWith("address")) form.append(field(t("new_address"), make("input", { name: "address", autocomplete: "off" })));
  const paying = kind === "change_order_payment";
  if (paying || ["change_order_items", "return_items", "exchange_items"].includes(kind)) {
    const methods = options.payment_methods.map((each) => [each.payment_id, each.label]);
    form.append(field(t(paying ? "pay_with" : "refund_to"),
      choice("payment", paying ? methods : [["", t("as_paid")], ...methods])));
  }
  form.append(make("button", { type: "submit", class: "main", text: t("show_effect") }));
}

function line(each, kind) {
  const row = make("div", { class: "item", "data-product": each.product_id },
    make("label", {}, make("input", { type: "checkbox" }), make("span", { text: `${each.quantity} × ${each.title}` })),
    make("input", { type: "number", min: 1, max: each.quantity, value: each.quantity, "aria-label": t("quantity_of", { title: each.title }) }));
  if (kind === "return_items") return row;
  const becomes = make("select", { "aria-label": t("becomes_of", { title: each.title }) },
    make("option", { value: "", text: kind === "change_order_items" ? t("taken_out") : "—" }));
  const wanted = make("input", { type: "search", placeholder: each.title, "aria-label": `${t("find_new")}: ${each.title}` });
  const find = async () => {
    forget();
    const query = new URLSearchParams({ kind, product_id: each.product_id, q: wanted.value.trim() || each.title });
    try {
      const found = await call("GET", `conversations/${id}/orders/${encodeURIComponent(given("order"))}/replacements?${query}`);
      becomes.replaceChildren(becomes.firstElementChild, ...found.filter((one) => one.in_stock).map((one) =>
        make("option", { value: one.product_id, text: one.title })));
      if (found.length) { becomes.selectedIndex = 1; row.querySelector("[type=checkbox]").checked = true; }
    } catch (error) { refuse(error.message); }
  };
  wanted.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); find(); } });
  row.append(make("span", { class: "becomes" }, make("span", { text: t("becomes") }), wanted,
    make("button", { type: "button", text: t("find_new"), onclick: find }), becomes));
  return row;
}

function asked() {
  const items = [...form.querySelectorAll(".item")].filter((row) => row.querySelector("[type=checkbox]").checked);
  return {
    kind: given("kind"), order_id: given("order"), reason: given("reason"), address: given("address"),
    payment_id: given("payment"),
    items: items.map((row) => ({ product_id: row.dataset.product, quantity: Number(row.querySelector("[type=number]").value),
      new_product_id: row.querySelector("select")?.value || "" })),
  };
}

form.addEventListener("input", forget);
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  forget();
  const change = asked();
  try {
    const { effect: [first, ...rest] } = await call("POST", `conversations/${id}/changes/preview?language=${language}`, change);
    // One key for what is shown: sent twice, it is proposed once.
    [proposed, key] = [change, crypto.randomUUID ? crypto.randomUUID() : `${Date.now()}-${Math.random()}`];
    const words = make("textarea", { rows: 2, maxlength: 4000 });
    effect.replaceChildren(make("p", { text: first }), make("ul", {}, ...rest.map((text) => make("li", { text }))),
      field(t("own_words"), words),
      make("button", { type: "button", class: "main", text: t("send_proposal"), onclick: () => send(words.value) }));
    effect.hidden = false;
    effect.scrollIntoView({ block: "nearest" });
  } catch (error) { refuse(error.message); }
});

async function send(text) {
  try {
    await call("POST", `conversations/${id}/changes`, { ...proposed, text, key });
    dialog.close();
  } catch (error) { refuse(error.message); }
}

dialog.addEventListener("click", (event) => { if (event.target === dialog || event.target.matches(".close")) dialog.close(); });
