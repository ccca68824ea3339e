"""What the assistant can do: one module a subject, each a handful of functions."""

from __future__ import annotations

from assistant.tools import (
    cart,
    handoff,
    help,
    order_changes,
    orders,
    products,
    profile,
    recommend,
)
from assistant.tools.registry import Tool, tool


def shop_tools() -> dict[str, Tool]:
    """Every tool by name, in the order in which the model reads them."""
    tools = (
        tool(products.search_products),
        tool(products.compare_products),
        tool(recommend.recommend_products),
        tool(recommend.search_history),
        tool(profile.view_profile),
        tool(cart.view_cart),
        tool(cart.add_to_cart, writes=True),
        tool(cart.remove_from_cart, writes=True),
        tool(orders.find_orders),
        tool(order_changes.cancel_order, writes=True),
        tool(order_changes.change_order_items, writes=True),
        tool(order_changes.change_order_address, writes=True),
        tool(order_changes.change_order_payment, writes=True),
        tool(order_changes.return_items, writes=True),
        tool(order_changes.exchange_items, writes=True),
        tool(order_changes.change_address, writes=True),
        tool(help.search_help),
        tool(handoff.hand_off, writes=True),
    )
    return {each.name: each for each in tools}
