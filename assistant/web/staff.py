"""The desk's page at /staff: a Gradio page that holds the desk, drawn by `static/desk.js`.

The shell holds nothing of the shop's but its name: whoever is not signed in is shown no more.
"""

from __future__ import annotations

from html import escape

import gradio as gr
from fastapi import FastAPI
from fastapi.responses import RedirectResponse

from assistant.types import Language
from assistant.web.desk_texts import desk_texts

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
    <h1>{shop}</h1><p data-text="sign_in_at"></p>
    <label><span data-text="name"></span><input id="desk-name" autocomplete="username"
      required></label>
    <label><span data-text="password"></span><input id="desk-password" type="password"
      autocomplete="current-password" required></label>
    <p id="desk-refused" role="alert" hidden></p>
    <button type="submit" class="main" data-text="sign_in"></button>
    <button type="button" class="language" data-text="language"></button>
  </form>
  <header class="bar" hidden>
    <span class="mark"><svg viewBox="0 0 24 24" aria-hidden="true">
      <use href="/aisle/icons.svg#basket"></use></svg><span>{shop} ·
      <span data-text="desk"></span></span></span>
    <form id="desk-search" role="search"><input type="search" data-label="search"></form>
    <nav><span id="desk-open" class="status"></span>
      <button type="button" id="desk-next" class="main" data-text="next"></button>
      <a id="desk-numbers" hidden data-text="numbers"></a>
      <button type="button" class="language" data-text="language"></button>
      <span id="desk-me"></span>
      <button type="button" id="desk-logout" data-text="sign_out"></button></nav>
  </header>
  <div class="columns" hidden>
    <section class="list" data-label="conversations">
      <h2 id="desk-count"></h2><ul id="desk-list"></ul></section>
    <main class="one" data-label="conversation">
      <header id="desk-head"><div><h2 id="desk-title"></h2><p id="desk-under"></p></div>
        <div id="desk-acts" role="group" data-label="actions"></div></header>
      <div class="talk" id="desk-talk" tabindex="-1"><div id="desk-turns"></div>
        <p id="desk-empty" data-text="choose"></p></div>
      <footer class="write" id="desk-write" hidden>
        <p id="desk-typing" hidden></p><p id="desk-notice" role="alert" hidden></p>
        <p id="desk-draft-mark" hidden><span data-text="draft_mark"></span>
          <button type="button" id="desk-draft-drop" data-text="discard"></button></p>
        <div id="desk-cards"></div>
        <form id="desk-form">
          <div class="tabs" role="group" data-label="what_you_write">
            <button type="button" id="desk-as-reply" aria-pressed="true"
              data-text="as_reply"></button>
            <button type="button" id="desk-as-note" aria-pressed="false"
              data-text="as_note"></button>
            <span class="gap"></span>
            <select id="desk-canned" data-label="canned"></select>
            <button type="button" id="desk-draft" data-text="draft"></button>
            <button type="button" id="desk-product" data-text="product"></button>
            <button type="button" id="desk-order" data-text="order_action"></button>
          </div>
          <textarea id="desk-text" rows="3" maxlength="4000"></textarea>
          <button type="submit" class="main" id="desk-send"></button>
        </form>
      </footer>
    </main>
    <aside id="desk-packet" data-label="hand_off"></aside>
  </div>
  <dialog id="desk-products" aria-labelledby="desk-products-title">
    <h2 id="desk-products-title" data-text="add_product"></h2>
    <form><input type="search" data-label="search_products"></form>
    <ul></ul><button type="button" class="close" data-text="close"></button>
  </dialog>
  <dialog id="desk-change" aria-labelledby="desk-change-title">
    <h2 id="desk-change-title" data-text="propose"></h2><p data-text="propose_more"></p>
    <form></form>
    <p class="refused" role="alert" hidden></p>
    <section class="change" hidden></section>
    <button type="button" class="close" data-text="close"></button>
  </dialog>
</div>
"""


def mount_staff_page(app: FastAPI, shop: str) -> None:
    """Put the desk at `/staff` of a FastAPI application; before the page at `/`."""

    # The mount begins at `/staff/`, and the page at `/` would take the address without the slash.
    @app.get("/staff", include_in_schema=False)
    def to_the_page() -> RedirectResponse:
        return RedirectResponse("/staff/")

    @app.get("/staff/texts", include_in_schema=False)
    def words(language: Language = "en") -> dict[str, str]:
        return desk_texts(language)

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
