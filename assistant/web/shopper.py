"""The shopper's page: a Gradio page that holds the chat, drawn by `static/chat.js`."""

from __future__ import annotations

from html import escape

import gradio as gr
from fastapi import FastAPI

_HEAD = """
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="/aisle/mark.svg" type="image/svg+xml">
<link rel="stylesheet" href="/aisle/chat.css">
<script type="module" src="/aisle/chat.js"></script>
"""
_SHELL = """
<div id="aisle" data-shop="{shop}">
  <a class="skip" href="#aisle-write" data-text="write"></a>
  <header class="bar">
    <a class="mark" href="/" aria-label="{shop}"><svg viewBox="0 0 24 24" aria-hidden="true">
      <use href="/aisle/icons.svg#basket"></use></svg><span>{shop}</span></a>
    <nav>
      <button type="button" id="aisle-who" aria-haspopup="dialog"></button>
      <button type="button" id="aisle-new"><svg viewBox="0 0 24 24" aria-hidden="true">
        <use href="/aisle/icons.svg#new"></use></svg><span data-text="new"></span></button>
      <button type="button" id="aisle-language" data-text="language"></button>
      <button type="button" id="aisle-cart" aria-haspopup="dialog"><svg viewBox="0 0 24 24"
        aria-hidden="true"><use href="/aisle/icons.svg#cart"></use></svg>
        <span data-text="cart" class="unseen"></span><output id="aisle-count">0</output></button>
    </nav>
  </header>
  <main class="talk" id="aisle-talk" tabindex="-1">
    <div id="aisle-empty" hidden>
      <h1 data-text="hello"></h1><p data-text="hello_more"></p>
      <div id="aisle-asks"></div>
    </div>
    <div id="aisle-turns"></div>
  </main>
  <div class="unseen" role="status" aria-live="polite" id="aisle-announce"></div>
  <footer class="write">
    <p id="aisle-typing" class="small" hidden></p>
    <p id="aisle-notice" role="alert" hidden></p>
    <form id="aisle-form">
      <textarea id="aisle-write" rows="1" maxlength="4000" autocomplete="off"></textarea>
      <button type="submit" id="aisle-send"><svg viewBox="0 0 24 24" aria-hidden="true">
        <use href="/aisle/icons.svg#send"></use></svg></button>
      <button type="button" id="aisle-stop" hidden><svg viewBox="0 0 24 24" aria-hidden="true">
        <use href="/aisle/icons.svg#stop"></use></svg></button>
    </form>
    <p class="small"><span data-text="automatic"></span>
      <button type="button" id="aisle-person" data-text="person"></button></p>
  </footer>
  <dialog id="aisle-people" aria-labelledby="aisle-people-title">
    <h2 id="aisle-people-title" data-text="speak_as"></h2><p data-text="samples"></p>
    <ul></ul>
    <form id="aisle-mail" hidden>
      <h3 data-text="by_mail"></h3>
      <label><span data-text="address"></span>
        <input type="email" name="address" autocomplete="email" required></label>
      <label hidden><span data-text="code"></span>
        <input name="code" inputmode="numeric" autocomplete="one-time-code" disabled></label>
      <output></output>
      <button type="submit"><span data-text="send_code"></span></button>
    </form>
    <button type="button" class="close" data-text="close"></button>
  </dialog>
  <dialog id="aisle-basket" aria-labelledby="aisle-basket-title">
    <h2 id="aisle-basket-title" data-text="cart"></h2><div class="held"></div>
    <button type="button" class="close" data-text="close"></button>
  </dialog>
</div>
"""


def shopper_page(shop: str) -> gr.Blocks:
    """The page for a shop of this name."""
    page: gr.Blocks
    with gr.Blocks(title=shop, analytics_enabled=False, fill_width=True, fill_height=True) as page:
        gr.HTML(_SHELL.format(shop=escape(shop)), apply_default_css=False, js_on_load=None)
    return page


def mount_shopper_page(app: FastAPI, shop: str) -> None:
    """Put the page at `/` of a FastAPI application; mount it after every other route."""
    gr.mount_gradio_app(
        app,
        shopper_page(shop),
        path="/",
        head=_HEAD,
        # The system's own fonts: Gradio's themes load theirs from another host.
        theme=gr.themes.Base(font=["system-ui", "sans-serif"], font_mono=["monospace"]),
        footer_links=[],
        ssr_mode=False,
        enable_monitoring=False,
        show_error=False,
    )
