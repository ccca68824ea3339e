"""The reply: wording by the model, facts by reference.

A reply is a stream of pieces. Facts (cards, quoted sentences, orders, the cart) are pieces that
code makes from this turn's results; between them stands wording, checked before it is said. Where
the check fails, the tool's own sentence takes the wording's place, so there is always an answer.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assistant.errors import ModelError
from assistant.grounding import Vocabulary, wording_problem
from assistant.llm.base import LanguageModel, Message
from assistant.orders.wording import describe
from assistant.tools.context import Context
from assistant.tools.profile import profile_of
from assistant.types import Citation, Piece, ProductCard, Proposal, ToolResult

IN_LINE = 3
"""Cards that stand inside the reply; the rest of what a search found stays beside it."""
QUOTED = 3
LONGEST = 160
"""Characters of wording at the most: an opening, not an essay."""


@dataclass(frozen=True, slots=True)
class Writer:
    """The model as a writer: its static prompt, and the words that it may use freely."""

    model: LanguageModel
    prompt: str
    vocabulary: Vocabulary


def compose(
    writer: Writer, context: Context, results: Sequence[ToolResult], cancel: threading.Event
) -> Iterator[Piece]:
    """The pieces of the reply to this turn's results, as they become certain."""
    if not results:
        if not cancel.is_set():
            yield from _talk(writer, context, cancel)
        return
    for result in results:
        if result.proposal:
            yield _effect(context, result.proposal)
        if result.verbatim or not result.ok or writer.model.wording == "quote":
            yield Piece("text", result.note)
            yield from _facts(context, result)
        elif result.citations:
            yield from _help(writer, context, result, cancel)
        else:
            yield from _suggestions(writer, context, result, cancel)


def _talk(writer: Writer, context: Context, cancel: threading.Event) -> Iterator[Piece]:
    request = f"Shopper: {context.text}\nTalk:"
    fields = _ask(writer, request, {"opening": _text()}, cancel)
    for _, opening in fields:
        problem = wording_problem(str(opening), writer.vocabulary, language=context.language)
        if not problem:
            yield Piece("text", str(opening).strip())
            return
    if not cancel.is_set():
        yield Piece("text", context.phrase("talk"))


def _suggestions(
    writer: Writer, context: Context, result: ToolResult, cancel: threading.Event
) -> Iterator[Piece]:
    """An opening, then the products in the tool's order; a trusted model may drop some."""
    trusted = writer.model.wording == "paraphrase"
    properties: dict[str, Any] = {"opening": _text()}
    found = f"Found: {len(result.products)} products"
    if trusted:
        tags = [card.tag for card in result.products]
        properties["show"] = {"type": "array", "items": {"enum": tags}, "minItems": 1}
        found += "".join(f"\n{card.tag} {card.product.title}" for card in result.products)
        if context.shopper.customer_id:
            # Only whoever chooses among products is told: in the decision it makes a small model
            # search for what this shopper usually buys (docs/recommender.md).
            about = profile_of(context.shop.catalogue, context.shopper.customer_id)
            found += f"\nOf this shopper, as data: {about.text()}"
    texts = [" ".join((card.product.title, *card.product.category)) for card in result.products]
    said = False
    cards = result.products[:IN_LINE]
    request = f"Shopper: {context.text}\n{found}"
    for name, value in _ask(writer, request, properties, cancel):
        if name == "opening":
            problem = wording_problem(
                str(value),
                writer.vocabulary,
                shopper_text=context.text,
                result_texts=texts,
                language=context.language,
            )
            yield Piece("text", result.note if problem else str(value).strip())
            said = True
        elif name == "show":
            cards = tuple(card for card in result.products if card.tag in value)
    if not said:
        yield Piece("text", result.note)
    yield from (_product(context, card) for card in cards)


def _help(
    writer: Writer, context: Context, result: ToolResult, cancel: threading.Event
) -> Iterator[Piece]:
    """The sentences that answer, chosen by the model, in the article's own words.

    The lead-in is code's: a small model puts the rule itself into it, and turns it around.
    """
    yield Piece("text", result.note)
    by_tag = {citation.tag: citation for citation in result.citations}
    listed = "\n".join(f"{each.tag} {each.text}" for each in result.citations)
    properties = {
        "sentences": {
            "type": "array",
            "items": {"enum": list(by_tag)},
            "minItems": 1,
            "maxItems": QUOTED,
        },
    }
    chosen: list[Citation] = []
    request = f"Shopper: {context.text}\nHelp:\n{listed}"
    for _, tags in _ask(writer, request, properties, cancel):
        chosen = [by_tag[tag] for tag in dict.fromkeys(tags) if tag in by_tag]
    for citation in chosen or result.citations[:QUOTED]:
        yield _quote(citation)


def _facts(context: Context, result: ToolResult) -> Iterator[Piece]:
    for card in result.products[:IN_LINE]:
        yield _product(context, card)
    for citation in result.citations[:QUOTED]:
        yield _quote(citation)
    for order in () if result.proposal else result.orders:
        lines = "; ".join(f"{line.quantity} × {line.title}" for line in order.order.lines)
        yield Piece("order", f"{order.order.order_id}: {lines}.", order.tag)
    if result.cart and result.cart.lines:
        lines = "; ".join(f"{line.quantity} × {line.product.title}" for line in result.cart.lines)
        yield Piece("cart", f"{lines}.")


def _effect(context: Context, proposal: Proposal) -> Piece:
    """Exactly what a yes would do, a sentence a line."""
    lines = describe(proposal.effect, context.language)
    return Piece("change", "\n".join(lines), proposal.change_id)


def _product(context: Context, card: ProductCard) -> Piece:
    price = context.amount(card.product.price, card.product.currency)
    reason = f" – {card.reason}" if card.reason else ""
    return Piece("product", f"{card.product.title}, {price}{reason}.", card.tag)


def _quote(citation: Citation) -> Piece:
    return Piece("citation", f"“{citation.text}” ({citation.title})", citation.tag)


# --- what the model writes ---------------------------------------------------------------------


def _text() -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": LONGEST}


def _ask(
    writer: Writer, request: str, properties: Mapping[str, Any], cancel: threading.Event
) -> Iterator[tuple[str, Any]]:
    """The fields of the model's answer, each as soon as it is whole; none if the model fails."""
    schema = {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }
    messages = [Message("system", writer.prompt), Message("user", request)]
    text = ""
    given: set[str] = set()
    try:
        for delta in writer.model.stream(messages, schema=schema, cancel=cancel):
            text += delta
            for name in properties:
                if name not in given and (value := whole_field(text, name)) is not None:
                    given.add(name)
                    yield name, value
    except ModelError:
        # What the tools found is worth more than an apology: the caller says it in its own words.
        return


def whole_field(text: str, name: str) -> Any | None:
    """The value of a top-level field of a JSON object that is still being written.

    None until the value is complete: a string up to its closing quote, an array up to its bracket.
    """
    match = re.search(rf'[{{,]\s*"{re.escape(name)}"\s*:\s*', text)
    if match is None:
        return None
    try:
        value, end = json.JSONDecoder().raw_decode(text, match.end())
    except json.JSONDecodeError:
        return None
    return value if isinstance(value, str | list) or end < len(text) else None
