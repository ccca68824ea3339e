// What the desk's scripts stand on: its elements, its words, its server.

import { found } from "/aisle/found.js";

export const root = await found("aisle");
export const $ = (id) => document.getElementById(`desk-${id}`);
const key = "aisle-desk-language";
export let language = localStorage.getItem(key)
  || (navigator.language.startsWith("zh") ? "zh" : "en");
let texts = {};

// The words of `name`, filled in; "" for a name that the desk has none for.
export function t(name, values = {}) {
  return Object.entries(values).reduce(
    (said, [each, value]) => said.replaceAll(`{${each}}`, value), texts[name] ?? "");
}

export async function speak(wanted = language) {
  texts = await (await fetch(`/staff/texts?language=${wanted}`)).json();
  language = wanted;
  document.documentElement.lang = language;
  for (const each of root.querySelectorAll("[data-text]")) each.textContent = t(each.dataset.text);
  for (const each of root.querySelectorAll("[data-label]")) {
    each.setAttribute("aria-label", t(each.dataset.label));
    if (each.tagName === "INPUT") each.placeholder = t(each.dataset.label);
  }
}

export function remember() { localStorage.setItem(key, language); }

export async function call(method, path, body) {
  const answer = await fetch(`/api/v1/desk/${path}`, {
    method,
    headers: { "Accept-Language": language, ...(body && { "Content-Type": "application/json" }) },
    body: body ? JSON.stringify(body) : undefined,
  });
  const document = await answer.json().catch(() => ({}));
  if (answer.status === 401 && path !== "login") root.dispatchEvent(new Event("signed-out"));
  if (!answer.ok) throw new Error(document.error || answer.statusText);
  return document;
}

export function make(tag, { text: said, ...given } = {}, ...inside) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  if (said != null) element.textContent = said;
  element.append(...inside);
  return element;
}
