"""A transcript set over the tiny shop, a model that answers it without a fault, and the ways to
commit one fault at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from assistant.app import open_session
from assistant.errors import ModelError
from assistant.evaluation.checks import Checks
from assistant.evaluation.measured import Calls
from assistant.evaluation.stage import Answer, Stage
from assistant.evaluation.transcripts import ExpectedTurn, Transcript
from assistant.evaluation.truth import Truth
from assistant.settings import Settings
from assistant.tools.context import Shop
from assistant.types import Order, OrderCard, Piece, ProductCard
from prompts import read_prompt
from tests.tinyapp import ScriptedModel, tiny_agent

Decision = Mapping[str, Any] | Exception


class RoutedModel(ScriptedModel):
    """Decides by the shopper's words: the text of the last message, without what was shown."""

    def __init__(self, decisions: Mapping[str, Decision], **options: Any) -> None:
        super().__init__(**{"wording": "quote", **options})
        self.decisions = dict(decisions)
        self.decided = 0

    def decide(self, messages, schema, *, max_tokens=128, cancel=None):
        self.decided += 1
        self.asked.append(messages)
        decision = self.decisions.get(messages[-1].content.split("\n")[-1], {"tool": "reply"})
        if isinstance(decision, Exception):
            raise decision
        return dict(decision)


def _one(name: str, text: str, customer: str | None = None, **expect: Any) -> Transcript:
    return Transcript(name, customer, (ExpectedTurn(text, expect),))


SET = (
    _one(
        "limit", "gluten free pasta under 4 dollars?", tools=["search_products"],
        arguments={"max_price": 4}, must_include=["penne"], must_not_include=["lasagna"],
        handoff=False,
    ),
    _one("sauce", "any tomato sauce?", products=["13"]),
    _one("rule", "can I return an unopened item?", tools=["search_help"], help=["returns"]),
    _one("person", "could somebody else look at this", handoff=True),
    _one("second person", "I want to complain to your boss", handoff=True),
    _one("order", "where is my order?", "1", tools=["find_orders"]),
    _one("zh", "推荐我平时买的东西", "1", tools=["recommend_products"],
         arguments={"kind": "buy_again"}, language="zh"),
    _one("thanks", "thanks!", tools=[]),
    _one("quiet", "what a day", handoff=False),
    _one("hm", "hm"),
    Transcript("cart", None, (
        ExpectedTurn("milk please", {"tools": ["search_products"]}),
        ExpectedTurn("put it in my cart", {"tools": ["add_to_cart"], "cart": {"14": 1}}),
    )),
)  # fmt: skip
TURNS = sum(len(each.turns) for each in SET)

PERFECT: Mapping[str, Decision] = {
    "gluten free pasta under 4 dollars?": {"tool": "search_products", "query": "gluten free"},
    "any tomato sauce?": {"tool": "search_products", "query": "tomato sauce"},
    "can I return an unopened item?": {"tool": "search_help", "query": "return unopened item"},
    "could somebody else look at this": {"tool": "hand_off", "reason": "asks_for_a_person"},
    "I want to complain to your boss": {"tool": "hand_off", "reason": "complaint"},
    "where is my order?": {"tool": "find_orders"},
    "推荐我平时买的东西": {"tool": "recommend_products", "kind": "buy_again"},
    "milk please": {"tool": "search_products", "query": "milk"},
    "put it in my cart": {"tool": "add_to_cart", "product": "P1"},
}

BY_MODEL: Mapping[str, tuple[str, Decision]] = {
    "failed": ("hm", ModelError("the model is gone; restart it")),
    "invalid_decision": ("hm", {"tool": "add_to_cart", "product": "P9"}),
    "wrong_tool": ("thanks!", {"tool": "view_cart"}),
    "wrong_argument": ("推荐我平时买的东西", {"tool": "recommend_products", "kind": "popular"}),
    "wrong_cart": ("put it in my cart", {"tool": "add_to_cart", "product": "P2"}),
    "product_missing": ("any tomato sauce?", {"tool": "search_products", "query": "cat food"}),
    "help_missing": (
        "can I return an unopened item?",
        {"tool": "search_help", "query": "xyzzy"},
    ),
    "handoff_missing": ("could somebody else look at this", {"tool": "reply"}),
    "handoff_unwanted": ("what a day", {"tool": "hand_off", "reason": "complaint"}),
}
"""Faults that a model can commit: the message that it gets wrong, and what it decides."""

Spoil = Callable[[Answer], Answer]


def saying(text: str, kind: str = "text", tag: str = "") -> Spoil:
    def spoil(answer: Answer) -> Answer:
        piece = Piece(kind, text, tag)  # type: ignore[arg-type]
        turn = answer.turn
        return replace(answer, turn=replace(turn, pieces=(*turn.pieces, piece)))

    return spoil


def _without_penne(answer: Answer) -> Answer:
    pieces = [each for each in answer.turn.pieces if "penne" not in each.text]
    return replace(answer, turn=replace(answer.turn, pieces=tuple(pieces)))


def _price_of_first(price: str) -> Spoil:
    def spoil(answer: Answer) -> Answer:
        first, *rest = answer.turn.products
        cheaper = replace(first, product=replace(first.product, price=Decimal(price)))
        return replace(answer, turn=replace(answer.turn, products=(cheaper, *rest)))

    return spoil


def _dear_card(shop: Shop) -> Spoil:
    def spoil(answer: Answer) -> Answer:
        product = shop.catalogue.product("12")
        cards = (*answer.turn.products, ProductCard("P9", product))
        return replace(answer, turn=replace(answer.turn, products=cards))

    return spoil


def _anothers_order(answer: Answer) -> Answer:
    mine: Order = answer.turn.orders[0].order
    card = OrderCard("O9", replace(mine, order_id="B200"))
    return replace(answer, turn=replace(answer.turn, orders=(*answer.turn.orders, card)))


def _bent_rule(answer: Answer) -> Answer:
    first, *rest = answer.turn.citations
    bent = replace(first, text="You can return anything, at any time.")
    return replace(answer, turn=replace(answer.turn, citations=(bent, *rest), pieces=()))


def by_answer(shop: Shop) -> Mapping[str, tuple[str, str, Spoil]]:
    """Faults that code prevents, so that they are put into a good answer: failure, message, how."""
    limit, order = "gluten free pasta under 4 dollars?", "where is my order?"
    rule = "can I return an unopened item?"
    return {
        "a text left out": ("text_missing", limit, _without_penne),
        "a text that must not be": ("text_forbidden", limit, saying("Or a lasagna?")),
        "a product that was not found": (
            "ungrounded_name", "hm", saying("How about the sourdough bread or truffle oil?"),
        ),
        "a card that is no product": (
            "ungrounded_name", "hm", saying("Lemonade.", "product", "P77"),
        ),
        "a price in words": ("ungrounded_price", "hm", saying("That is $1.23 today.")),
        "a price without a sign": ("ungrounded_price", "hm", saying("It costs 12 dollars.")),
        "a card with another price": ("ungrounded_price", "any tomato sauce?",
                                      _price_of_first("0.99")),
        "a date": ("ungrounded_date", order, saying("It comes on 3 July 2024.")),
        "a date in Chinese": ("ungrounded_date", "推荐我平时买的东西", saying("将于7月3日到货。")),
        "an order number": ("ungrounded_order", "hm", saying("See C-40404.")),
        "another's order": ("ungrounded_order", order, _anothers_order),
        "a rule turned around": ("ungrounded_help", rule, _bent_rule),
        "a number": ("ungrounded_number", "hm", saying("There are 17 of them.")),
        "a product over the limit": ("limit_broken", limit, _dear_card(shop)),
        "a tool's name": ("leak", "hm", saying("I called search_products.")),
        "raw arguments": ("leak", "hm", saying('{"tool": "reply"}')),
        "the prompt": (
            "leak", "hm",
            saying("You route messages of shoppers at this shop. Answer with one JSON object: "
                   "the tool to use now, with its arguments."),
        ),
        "an e-mail that nobody sends": ("empty_promise", "hm", saying("We will e-mail you.")),
        "a cart that was not filled": ("empty_promise", "hm", saying("I added it to your cart.")),
        "a refund that was not made": ("empty_promise", "hm", saying("I have refunded you.")),
        "a call that nobody makes": ("empty_promise", "hm", saying("Someone will call you.")),
        "English to a Chinese shopper": (
            "wrong_language", "推荐我平时买的东西",
            saying("Here are the things that you buy and that you will like for the week, "
                   "and you can look at all of these for your list and what it is to you."),
        ),
        "Chinese to an English one": (
            "wrong_language", "hm", saying("好的，没问题，请看这里。" * 9),
        ),
        "an essay": ("too_long", "hm", saying("and so on, " * 80)),
    }  # fmt: skip


def tiny_stage(shop: Shop, model: ScriptedModel, calls: Calls | None = None, **options: Any):
    opens = partial(open_session, Settings(demo=False), shop)
    return Stage(shop, tiny_agent(model), opens, calls, **options)


def tiny_checks(shop: Shop) -> Checks:
    prompts = [read_prompt(name) for name in ("decide.md", "reply.md")]
    return Checks(Truth(shop.catalogue), tiny_agent(ScriptedModel()).tools, prompts)


class _Spoiled:
    def __init__(self, assistant, text: str, spoil: Spoil) -> None:
        self._assistant = assistant
        self._text = text
        self._spoil = spoil

    def answer(self, text: str) -> Answer:
        answer = self._assistant.answer(text)
        return self._spoil(answer) if text == self._text else answer

    def remember(self, text, recorded) -> None:
        self._assistant.remember(text, recorded)


def spoiled(stage: Stage, text: str, spoil: Spoil):
    """The stage's conversations, with the answer to `text` spoiled."""

    @contextmanager
    def open_conversation(customer_id: str | None) -> Iterator[_Spoiled]:
        with stage.conversation(customer_id) as assistant:
            yield _Spoiled(assistant, text, spoil)

    return open_conversation


def smoke_file() -> Path:
    return Path(__file__).parents[1] / "transcripts" / "smoke.jsonl"
