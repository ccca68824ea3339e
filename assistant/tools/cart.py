"""The basket. What was added is said by code, from the cart as it now is."""

from __future__ import annotations

from assistant.tools.context import Context, says_it
from assistant.tools.products import SHOWN
from assistant.tools.registry import ProductRef
from assistant.types import ProductCard, ToolResult
from retrieval.types import Filters

MOST = 99
"""Of one product in a cart; the store holds no more either."""


def view_cart(context: Context) -> ToolResult:
    """Show what is in the shopper's cart and what it comes to."""
    cart = context.cart()
    if not cart.lines:
        return ToolResult(True, context.phrase("cart_empty"), cart=cart, verbatim=True)
    total = context.amount(cart.total, cart.currency)
    count = sum(line.quantity for line in cart.lines)
    key = "cart_holds_one" if count == 1 else "cart_holds"
    return ToolResult(True, context.phrase(key, count=count, total=total), cart=cart, verbatim=True)


def add_to_cart(context: Context, product: ProductRef, quantity: int = 1) -> ToolResult:
    """Put a product into the cart. product: its tag such as P2, or its name."""
    card = context.find(product)
    if card is None:
        return _candidates(context, product)
    if not card.product.in_stock:
        note = context.phrase("cart_out_of_stock", title=card.product.title)
        return ToolResult(False, note, products=(card,), verbatim=True)
    held = dict(context.carts.cart(context.shopper.key)).get(card.product.product_id, 0)
    if not 1 <= quantity <= MOST - held:
        note = context.phrase("cart_quantity", quantity=quantity, most=MOST, held=held)
        return ToolResult(False, note, products=(card,), verbatim=True)
    context.carts.set_quantity(context.shopper.key, card.product.product_id, held + quantity)
    cart = context.cart()
    note = context.phrase(
        "cart_added",
        quantity=quantity,
        title=card.product.title,
        total=context.amount(cart.total, cart.currency),
    )
    return ToolResult(True, note, cart=cart, verbatim=True)


def remove_from_cart(context: Context, product: ProductRef) -> ToolResult:
    """Take a product out of the cart. product: its tag such as P2, or its name."""
    lines = context.cart().lines
    card = context.find(product)
    ids = {card.product.product_id} if card else set()
    if not ids and not context.is_tag(product):
        words = set(product.casefold().split())
        ids = {
            line.product.product_id
            for line in lines
            if words <= set(line.product.title.casefold().replace(",", " ").split())
        }
    held = [line for line in lines if line.product.product_id in ids]
    if not held and len(lines) == 1 and says_it(context.text):
        held = list(lines)
    if len(held) != 1:
        key = "cart_which" if held else "cart_not_in"
        note = context.phrase(key, product=card.product.title if card else product)
        return ToolResult(False, note, cart=context.cart(), verbatim=True)
    context.carts.set_quantity(context.shopper.key, held[0].product.product_id, 0)
    cart = context.cart()
    note = context.phrase(
        "cart_removed" if cart.lines else "cart_removed_last",
        title=held[0].product.title,
        total=context.amount(cart.total, cart.currency),
    )
    return ToolResult(True, note, cart=cart, verbatim=True)


def _candidates(context: Context, words: str) -> ToolResult:
    """A name is a wish, not a choice: show what it may mean and let the shopper pick."""
    hits = context.shop.retrieval.products.search(words, Filters(), k=SHOWN).hits
    cards: tuple[ProductCard, ...] = context.cards((hit.product_id for hit in hits), lambda _: "")
    key = "cart_pick" if cards else "search_none"
    note = context.phrase(key, query=words, limit="")
    return ToolResult(False, note, products=cards, verbatim=True)
