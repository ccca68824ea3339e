"""Turns as HTML. Everything that comes from data is escaped here, and nowhere else is HTML made."""

from __future__ import annotations

from html import escape
from itertools import groupby
from urllib.parse import urlsplit

from assistant.phrases import date, money
from assistant.types import (
    Action,
    Cart,
    Conversation,
    Language,
    Order,
    Piece,
    Product,
    ProductCard,
    Turn,
)
from assistant.web.texts import text

_DOING = {
    "search_products": "doing_products",
    "compare_products": "doing_products",
    "recommend_products": "doing_recommend",
    "search_history": "doing_history",
    "find_orders": "doing_orders",
    "cancel_order": "doing_change",
    "change_order_items": "doing_change",
    "change_order_address": "doing_change",
    "change_order_payment": "doing_change",
    "return_items": "doing_change",
    "exchange_items": "doing_change",
    "change_address": "doing_change",
    "search_help": "doing_help",
    "hand_off": "doing_hand_off",
}
_ICONS = (
    # Symbols of icons.svg, each with words of a category; the first that fits is drawn.
    ("pet", "cat dog pet bird aquarium"),
    ("baby", "baby infant diapers"),
    ("frozen", "frozen ice"),
    ("fish", "fish seafood sushi"),
    ("egg", "egg eggs"),
    ("milk", "milk dairy yogurt cheese cheeses butter margarines cream"),
    ("bread", "bread buns rolls bakery cakes cookies donuts pies dough baking crackers flour"),
    ("drink", "drink drinks juice juices water soft tea coffee beer wine liquor spirits cocoa"),
    ("carrot", "vegetable vegetables potatoes onions tomatoes carrots peppers salad broccoli corn"
               " mushrooms squash herbs"),
    ("apple", "fruit apples citrus berries grapes melons pears produce organic"),
    ("meat", "meat beef pork chicken turkey lamb lunchmeat bacon sausage dogs deli smoked"),
    ("flower", "flower flowers floral plants roses garden lawn"),
    ("candy", "candy gum snacks chips popcorn nuts dessert sugar syrup"),
    ("bowl", "soup pasta noodles rice cereal meals dinner sauce beans pizza canned condiments"
             " foods spices pickles oils"),
    ("clean", "laundry bleach cleaners soap detergents towels toilet tissues bags brooms dish paper"
              " air household"),
    ("care", "health care hair oral cold vitamins first shaving deodorants beauty makeup skin"
             " hygiene analgesics bath"),
)  # fmt: skip


def conversation_html(conversation: Conversation, language: Language) -> str:
    return "".join(turn_html(turn, language) for turn in conversation.turns)


def turn_html(turn: Turn, language: Language, doing: str = "", failure: str = "") -> str:
    """One message and its answer; `doing` is what a running turn is at."""
    if turn.kind != "answered":
        return _message_html(turn, language)
    running = turn.status == "running"
    body = reply_html(turn, language)
    if running:
        label = escape(doing or text(language, "thinking"))
        body += f'<p class="doing"><span class="dots" aria-hidden="true"></span>{label}…</p>'
    elif failure or turn.status in ("failed", "interrupted", "stopped"):
        key = f"{turn.status}_change" if turn.answers else turn.status
        body += f'<p class="notice">{escape(failure or text(language, key))}</p>'
    if turn.status in ("finished", "stopped"):
        body += _rating(turn, language)
    return (
        f'<section class="turn" id="turn-{escape(turn.turn_id)}" data-status="{turn.status}">'
        f'<div class="said shopper"><span class="unseen">{text(language, "you")}: </span>'
        f"{_lines(turn.text)}</div>"
        f'<div class="said assistant"{" aria-busy=true" if running else ""}>'
        f'<span class="unseen">{text(language, "assistant")}: </span>{body}</div></section>'
    )


def _message_html(turn: Turn, language: Language) -> str:
    """What a shopper wrote to a colleague, or a colleague to them; with a change that the
    colleague proposes, or what came of the shopper's answer to it."""
    if turn.kind == "message":
        body = (
            f'<div class="said shopper"><span class="unseen">{text(language, "you")}: </span>'
            f"{_lines(turn.text)}</div>"
        )
        if turn.pieces:
            body += f'<div class="said record" role="status">{reply_html(turn, language)}</div>'
    else:
        cards = "".join(product_html(card, language) for card in turn.products)
        shown = f'<div class="cards inline">{cards}</div>' if cards else ""
        words = f"<p>{_lines(turn.text)}</p>" if turn.text else ""
        body = (
            f'<div class="said staff"><p class="author">{escape(turn.author)}'
            f"<span> · {text(language, 'colleague')}</span></p>"
            f"{words}{shown}"
            + "".join(change_html(turn, piece, language) for piece in turn.pieces)
            + "</div>"
        )
    return (
        f'<section class="turn" id="turn-{escape(turn.turn_id)}" data-status="{turn.status}"'
        f' data-kind="{turn.kind}">{body}</section>'
    )


def reply_html(turn: Turn, language: Language) -> str:
    """The reply so far. Cards stand where it names them; those that it does not follow below."""
    cards = {card.tag: card for card in turn.products}
    orders = {card.tag: card.order for card in turn.orders}
    parts = []
    named: set[str] = set()
    for kind, run in groupby(turn.pieces, key=lambda piece: piece.kind):
        pieces = list(run)
        if kind == "product":
            named.update(piece.tag for piece in pieces)
            inside = [product_html(cards[p.tag], language) for p in pieces if p.tag in cards]
            parts.append(f'<div class="cards inline">{"".join(inside)}</div>')
        elif kind == "order":
            parts += [order_html(orders[p.tag], language) for p in pieces if p.tag in orders]
        elif kind == "citation":
            parts.append(_quotes(pieces, turn, language))
        elif kind == "change":
            parts += [change_html(turn, piece, language) for piece in pieces]
        elif kind == "cart" and turn.cart is not None:
            parts.append(cart_lines_html(turn.cart, language))
        else:
            parts += [f"<p>{_lines(piece.text)}</p>" for piece in pieces]
    rest = [card for card in turn.products if card.tag not in named]
    if rest:
        label = text(language, "also" if named else "found")
        tray = "".join(product_html(card, language) for card in rest)
        parts.append(
            f'<div class="cards tray" role="group" aria-label="{escape(label)}">{tray}</div>'
        )
    return "".join(parts)


def change_html(turn: Turn, piece: Piece, language: Language) -> str:
    """What a yes would do, with its buttons while it waits, else what became of it."""
    first, *rest = (escape(line) for line in piece.text.splitlines())
    lines = "".join(f"<li>{line}</li>" for line in rest)
    proposal = turn.proposal
    foot = ""
    if proposal and proposal.state != "proposed":
        state = escape(text(language, f"change_{proposal.state}"))
        foot = f'<p class="outcome {proposal.state}">{state}</p>'
    elif proposal and turn.status == "finished":
        foot = "".join(
            f'<button type="button" class="{answer}" data-answer="{answer}"'
            f' data-change="{escape(piece.tag)}">{escape(text(language, f"change_{answer}"))}'
            "</button>"
            for answer in ("yes", "no")
        )
        await_yes = escape(text(language, "change_awaits"))
        foot = f'<div class="answers">{foot}</div><p class="awaits">{await_yes}</p>'
    return (
        f'<section class="change" data-change="{escape(piece.tag)}"'
        f' aria-label="{escape(text(language, "change"))}">'
        f"<p>{first}</p><ul>{lines}</ul>{foot}</section>"
    )


def product_html(card: ProductCard, language: Language) -> str:
    product = card.product
    title = escape(_bare_title(product))
    price = money(product.price, product.currency)
    key = escape(product.product_id)
    button = (
        f'<button type="button" class="add" data-add="{key}"'
        f' aria-label="{escape(text(language, "add"))}: {escape(product.title)}">'
        f"{escape(text(language, 'add'))}</button>"
        if product.in_stock
        else f'<span class="gone">{escape(text(language, "out_of_stock"))}</span>'
    )
    size = f'<p class="size">{escape(product.size)}</p>' if product.size else ""
    why = f'<p class="why">{escape(card.reason)}</p>' if card.reason else ""
    return (
        f'<article class="card" data-product="{key}">{picture_html(product)}'
        f'<div class="what"><h3>{title}</h3>{size}{why}</div>'
        f'<div class="buy"><span class="price">{escape(price)}</span>{button}</div></article>'
    )


def picture_html(product: Product) -> str:
    """The product's picture, or the icon of its category."""
    if urlsplit(product.image).scheme == "https" or product.image.startswith("/"):
        source = escape(product.image)
        return f'<span class="picture"><img src="{source}" alt="" loading="lazy"></span>'
    icon = icon_of(product.category)
    return (
        f'<span class="picture {icon}" aria-hidden="true">'
        f'<svg viewBox="0 0 24 24"><use href="/aisle/icons.svg#{icon}"></use></svg></span>'
    )


def icon_of(category: tuple[str, ...]) -> str:
    """The symbol for a category path: the deepest level that says what it is."""
    for level in reversed(category):
        words = set(level.casefold().replace("&", " ").replace(",", " ").split())
        for icon, known in _ICONS:
            if words & set(known.split()):
                return icon
    return "basket"


def order_html(order: Order, language: Language) -> str:
    lines = "".join(
        f"<li>{line.quantity} × {escape(line.title)}"
        f"<span>{escape(money(line.price * line.quantity, order.currency))}</span></li>"
        for line in order.lines
    )
    status = escape(text(language, f"status_{order.status}"))
    count = sum(line.quantity for line in order.lines)
    return (
        f'<details class="order"><summary><span class="order-id">{text(language, "order")} '
        f"{escape(order.order_id)}</span>"
        f'<span class="status {escape(order.status)}">{status}</span>'
        f'<span class="order-more">{escape(date(order.placed_at, language))} · {count} '
        f"{text(language, 'item' if count == 1 else 'items')} · "
        f"{escape(money(order.total, order.currency))}</span></summary>"
        f"<ul>{lines}</ul></details>"
    )


def cart_lines_html(cart: Cart, language: Language) -> str:
    """The cart as a reply shows it: what it held then."""
    lines = "".join(
        f"<li>{line.quantity} × {escape(line.product.title)}"
        f"<span>{escape(money(line.product.price * line.quantity, cart.currency))}</span>"
        "</li>"
        for line in cart.lines
    )
    total = escape(money(cart.total, cart.currency)) if cart.lines else ""
    foot = f'<li class="sum">{text(language, "total")}<span>{total}</span></li>' if total else ""
    return f'<ul class="cart-lines">{lines}{foot}</ul>' if lines else ""


def cart_html(cart: Cart, language: Language) -> str:
    """The cart as it is now, to be changed."""
    if not cart.lines:
        return f'<p class="empty">{escape(text(language, "cart_empty"))}</p>'
    rows = []
    for line in cart.lines:
        key, title = escape(line.product.product_id), escape(line.product.title)
        amount = money(line.product.price * line.quantity, cart.currency)
        rows.append(
            f'<li data-product="{key}">{picture_html(line.product)}<span class="name">{title}'
            f'</span><span class="steps"><button type="button" data-set="{line.quantity - 1}" '
            f'aria-label="{text(language, "fewer")} {title}">−</button>'
            f"<output>{line.quantity}</output>"
            f'<button type="button" data-set="{line.quantity + 1}" '
            f'aria-label="{text(language, "more_of")} {title}">+</button></span>'
            f'<span class="price">{escape(amount)}</span></li>'
        )
    total = escape(money(cart.total, cart.currency))
    return (
        f'<ul class="cart-rows">{"".join(rows)}</ul>'
        f'<p class="sum">{text(language, "total")}<span>{total}</span></p>'
    )


def doing_text(action: Action, language: Language) -> str:
    """What a tool does, in words for people."""
    return text(language, _DOING.get(action.tool, "doing_cart"))


def _quotes(pieces: list[Piece], turn: Turn, language: Language) -> str:
    """Sentences of the same article stand together over its title."""
    by_tag = {citation.tag: citation for citation in turn.citations}
    known = [(by_tag[piece.tag], piece) for piece in pieces if piece.tag in by_tag]
    parts = []
    for title, run in groupby(known, key=lambda each: each[0].title):
        sentences = " ".join(escape(citation.text) for citation, _ in run)
        parts.append(
            f"<blockquote><p>{sentences}</p>"
            f"<footer>{text(language, 'source')}: <cite>{escape(title)}</cite></footer>"
            "</blockquote>"
        )
    return "".join(parts)


def _rating(turn: Turn, language: Language) -> str:
    buttons = "".join(
        f'<button type="button" data-rate="{rating}"'
        f' aria-pressed="{str(turn.rating == rating).lower()}"'
        f' aria-label="{escape(text(language, label))}" title="{escape(text(language, label))}">'
        f'<svg viewBox="0 0 24 24" aria-hidden="true"><use href="/aisle/icons.svg#{icon}"></use>'
        "</svg></button>"
        for rating, label, icon in ((1, "helpful", "up"), (-1, "not_helpful", "down"))
    )
    return f'<div class="rating" data-turn="{escape(turn.turn_id)}">{buttons}</div>'


def _bare_title(product: Product) -> str:
    """The title without the size that stands under it."""
    return product.title.removesuffix(f", {product.size}") if product.size else product.title


def _lines(words: str) -> str:
    return escape(words).replace("\n", "<br>")
