"""What a colleague is handed beside a conversation, and what the assistant would say in it."""

from __future__ import annotations

import threading
from dataclasses import replace

from assistant.agent import Agent, Draft, run_turn
from assistant.desk.desk import Desk
from assistant.desk.packet import Packet, packet_of
from assistant.errors import BadInput, NotFound
from assistant.grounding import asks_for_a_person, language_of
from assistant.messages import readable
from assistant.orders.book import OrderBook
from assistant.orders.types import ChangeKind
from assistant.store import Store
from assistant.tools.context import Context, Shop
from assistant.tools.products import search_products
from assistant.tools.swaps import replacements
from assistant.types import Conversation, Language, Product, ProductCard, Shopper, Turn

OPEN_ORDERS = 5
"""Orders that a colleague is shown beside a conversation."""


class Aid:
    """For colleagues alone: a conversation is named by its id, whosever it is. Whoever calls has
    checked that a colleague asks. Safe to share between threads."""

    def __init__(
        self, shop: Shop, store: Store, orders: OrderBook, agent: Agent, desk: Desk
    ) -> None:
        self._shop = shop
        self._store = store
        self._orders = orders
        self._agent = agent
        self._desk = desk

    def packet(self, conversation_id: str, language: Language = "en") -> tuple[Packet, Context]:
        """What a colleague needs to begin, in their language, and the context that it was read
        in."""
        conversation = self._store.any_conversation(conversation_id)
        context = self._context(conversation, "", conversation.language)
        customer_id = conversation.shopper.customer_id
        orders = tuple(self._orders.orders(customer_id, limit=OPEN_ORDERS) if customer_id else ())
        return packet_of(context, conversation, orders, language), context

    def write_brief(self, conversation_id: str, cancel: threading.Event) -> None:
        """Have the model sum up a conversation that is at the desk, check it, and keep what
        passes. Takes as long as the model does; nothing waits for it."""
        conversation = self._store.any_conversation(conversation_id)
        brief = self._agent.briefer.brief(conversation.turns, cancel)
        if not cancel.is_set():
            self._desk.keep_brief(conversation_id, brief)

    def draft_reply(self, conversation_id: str) -> Turn:
        """What the assistant would answer now, for a colleague to edit; nothing is kept, and no
        tool that changes anything runs.

        Raises BadInput where the shopper has asked nothing yet.
        """
        conversation = self._store.any_conversation(conversation_id)
        turns = conversation.turns
        asked = [
            (place, turn.text)
            for place, turn in enumerate(turns)
            if turn.kind != "staff" and not asks_for_a_person(turn.text)
        ]
        if not asked:
            raise BadInput(
                "the shopper has asked nothing yet that an answer could be drafted to",
                "顾客尚未提出可以起草回复的问题",
            )
        place, text = asked[-1]
        readers = {name: each for name, each in self._agent.tools.items() if not each.writes}
        draft = Draft(Turn("draft", text, model=self._agent.model.name))
        before = replace(conversation, turns=turns[:place])
        language = language_of(text, conversation.language)
        context = self._context(before, text, language)
        for _ in run_turn(replace(self._agent, tools=readers), context, draft, threading.Event()):
            pass
        return draft.turn

    def replacements(
        self, conversation_id: str, kind: ChangeKind, order_id: str, product_id: str, query: str
    ) -> list[Product]:
        """What an item of the shopper's order may become under the rule of this kind of change;
        raises NotFound for an order that is not theirs, or an item that is not in it."""
        conversation = self._store.any_conversation(conversation_id)
        customer_id = conversation.shopper.customer_id
        found = self._orders.orders(customer_id, order_id=order_id) if customer_id else []
        lines = [line for order in found for line in order.lines if line.product_id == product_id]
        if not lines:
            raise NotFound(
                f"no item {product_id[:80]!r} in order {order_id[:80]!r} of this shopper",
                f"这位顾客的订单{order_id[:80]!r}中没有商品{product_id[:80]!r}",
            )
        context = self._context(conversation, query, conversation.language)
        return replacements(context, kind, lines[0], query)

    def find_products(self, query: str) -> tuple[ProductCard, ...]:
        """Products for a colleague to show, as a search of any visitor would find them."""
        visitor = Shopper("guest:desk")
        context = Context(self._shop, self._store, visitor, language_of(query, "en"), query)
        return search_products(context, readable(query)).products

    def _context(self, conversation: Conversation, text: str, language: Language) -> Context:
        past = [each for each in conversation.turns if each.status != "running"]
        return Context(
            self._shop,
            self._store,
            conversation.shopper,
            language,
            text,
            past,
            orders=self._orders,
        )
