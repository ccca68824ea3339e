"""The desk's page at /staff: a Gradio page that holds the desk, drawn by `static/desk.js`.

The shell holds nothing of the shop's but its name: whoever is not signed in is shown no more.
"""

from __future__ import annotations

from html import escape

import gradio as gr
from fastapi import FastAPI
from fastapi.responses import RedirectResponse

_HEAD = """
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="/aisle/mark.svg" type="image/svg+xml">
<link rel="stylesheet" href="/aisle/chat.css">
<link rel="stylesheet" href="/aisle/desk.css">
<script type="module" src="/aisle/desk.js"></script>
"""
_SHELL = """
<div id="aisle" class="desk" data-shop="{shop}">
  <form id="desk-login" hidden>
    <h1>{shop}</h1><p>Sign in at the desk</p>
    <label>Name<input id="desk-name" autocomplete="username" required></label>
    <label>Password<input id="desk-password" type="password" autocomplete="current-password"
      required></label>
    <p id="desk-refused" role="alert" hidden></p>
    <button type="submit" class="main">Sign in</button>
  </form>
  <header class="bar" hidden>
    <span class="mark"><svg viewBox="0 0 24 24" aria-hidden="true">
      <use href="/aisle/icons.svg#basket"></use></svg><span>{shop} · Desk</span></span>
    <form id="desk-search" role="search"><input type="search" placeholder="Search conversations"
      aria-label="Search conversations"></form>
    <nav><span id="desk-open" class="status"></span>
      <button type="button" id="desk-next" class="main">Take the next</button>
      <a id="desk-numbers" href="/staff/numbers" hidden>Numbers</a>
      <span id="desk-me"></span><button type="button" id="desk-logout">Sign out</button></nav>
  </header>
  <div class="columns" hidden>
    <section class="list" aria-label="Conversations">
      <h2 id="desk-count">Nobody waits</h2><ul id="desk-list"></ul></section>
    <main class="one" aria-label="Conversation">
      <header id="desk-head"><div><h2 id="desk-title"></h2><p id="desk-under"></p></div>
        <div id="desk-acts" role="group" aria-label="Actions"></div></header>
      <div class="talk" id="desk-talk" tabindex="-1"><div id="desk-turns"></div>
        <p id="desk-empty">Choose a conversation, or take the next one.</p></div>
      <footer class="write" id="desk-write" hidden>
        <p id="desk-typing" hidden></p><p id="desk-notice" role="alert" hidden></p>
        <p id="desk-draft-mark" hidden>A draft by the assistant. Nothing is sent until you send it.
          <button type="button" id="desk-draft-drop">Discard</button></p>
        <div id="desk-cards"></div>
        <form id="desk-form">
          <div class="tabs" role="group" aria-label="What you write">
            <button type="button" id="desk-as-reply" aria-pressed="true">Reply</button>
            <button type="button" id="desk-as-note" aria-pressed="false">Private note</button>
            <span class="gap"></span>
            <select id="desk-canned" aria-label="Ready reply"></select>
            <button type="button" id="desk-draft">Draft</button>
            <button type="button" id="desk-product">Product</button>
          </div>
          <textarea id="desk-text" rows="3" maxlength="4000" aria-label="Write to the shopper"
            placeholder="Write to the shopper"></textarea>
          <button type="submit" class="main" id="desk-send">Send</button>
        </form>
      </footer>
    </main>
    <aside id="desk-packet" aria-label="Hand-off"></aside>
  </div>
  <dialog id="desk-products" aria-labelledby="desk-products-title">
    <h2 id="desk-products-title">Add a product</h2>
    <form><input type="search" aria-label="Search products" placeholder="Search products"></form>
    <ul></ul><button type="button" class="close">Close</button>
  </dialog>
</div>
"""


def mount_staff_page(app: FastAPI, shop: str) -> None:
    """Put the desk at `/staff` of a FastAPI application; before the page at `/`."""

    # The mount begins at `/staff/`, and the page at `/` would take the address without the slash.
    @app.get("/staff", include_in_schema=False)
    def to_the_page() -> RedirectResponse:
        return RedirectResponse("/staff/")

    page: gr.Blocks
    title = f"Desk · {shop}"
    with gr.Blocks(title=title, analytics_enabled=False, fill_width=True, fill_height=True) as page:
        gr.HTML(_SHELL.format(shop=escape(shop)), apply_default_css=False, js_on_load=None)
    gr.mount_gradio_app(
        app,
        page,
        path="/staff",
        head=_HEAD,
        theme=gr.themes.Base(font=["system-ui", "sans-serif"], font_mono=["monospace"]),
        footer_links=[],
        ssr_mode=False,
        enable_monitoring=False,
        show_error=False,
    )
