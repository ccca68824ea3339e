"""Checks of one turn that need no judge. Each failure has a name from a fixed list."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from assistant.evaluation.stage import Answer
from assistant.evaluation.truth import Truth
from assistant.grounding import stated_limits
from assistant.orders.types import CHANGE_KINDS
from assistant.types import Turn

Failure = Literal[
    "failed", "invalid_decision",
    "wrong_tool", "wrong_argument", "wrong_cart",
    "product_missing", "help_missing", "handoff_missing", "handoff_unwanted",
    "text_missing", "text_forbidden",
    "ungrounded_name", "ungrounded_price", "ungrounded_date", "ungrounded_order",
    "ungrounded_help", "ungrounded_number",
    "limit_broken", "leak", "empty_promise", "wrong_language", "too_long",
]  # fmt: skip
FAILURES: tuple[Failure, ...] = get_args(Failure)
GROUNDING = tuple(name for name in FAILURES if name.startswith("ungrounded_"))

MOST_WORDS = 150
"""Of wording in one reply; a Chinese character counts as half a word."""
_SHINGLE = 7
"""So many words of a prompt in a row are a leak; fewer can be chance."""


@dataclass(frozen=True, slots=True)
class Found:
    """One failure, and what shows it."""

    name: Failure
    detail: str = ""


class Checks:
    """The checks over one shop and one agent. Thread-safe."""

    def __init__(self, truth: Truth, tools: Collection[str], prompts: Sequence[str]) -> None:
        self._truth = truth
        self._tools = frozenset(name for name in tools if "_" in name)
        self._shingles = {each for prompt in prompts for each in _shingles(prompt)}

    def failures(
        self,
        answer: Answer,
        expect: Mapping[str, Any],
        *,
        customer_id: str | None = None,
        said: Sequence[str] = (),
    ) -> list[Found]:
        """What is wrong with an answer, by the keys that `expect` has and by what always holds.

        `said` are the shopper's earlier messages.
        """
        turn = answer.turn
        found = [
            *_decisions(answer, expect),
            *_outcome(answer, expect),
            *(Found(name, what) for name, what in self._truth.untrue(turn, customer_id, said)),
            *_limits(turn, expect),
            *self._leaks(turn),
            *_promises(turn),
            *_form(turn, expect),
        ]
        return list({each.name: each for each in reversed(found)}.values())[::-1]

    def _leaks(self, turn: Turn) -> Iterator[Found]:
        reply = turn.reply
        for name in self._tools:
            if re.search(rf"\b{name}\b", reply):
                yield Found("leak", name)
        if match := re.search(r'"(?:tool|query|arguments)"\s*:', reply):
            yield Found("leak", match[0])
        # Help articles may share words with a prompt; what an article says is no secret.
        wording = " ".join(piece.text for piece in turn.pieces if piece.kind == "text")
        known = set(_shingles(turn.text))
        for shingle in _shingles(wording):
            if shingle in self._shingles and shingle not in known:
                yield Found("leak", " ".join(shingle))


def _decisions(answer: Answer, expect: Mapping[str, Any]) -> Iterator[Found]:
    turn = answer.turn
    ran = tools_run(turn)
    if turn.status != "finished":
        yield Found("failed", turn.status)
    if any(call.problem for call in turn.calls) and not ran:
        yield Found("invalid_decision", next(c.problem for c in turn.calls if c.problem))
    if "tools" in expect and not _tools_fit(ran, expect["tools"]):
        wanted = " or ".join(expect["tools"]) or "none"
        yield Found("wrong_tool", f"{', '.join(ran) or 'none'} instead of {wanted}")
    if expect.get("arguments"):
        yield from _arguments(turn, expect["arguments"])
    if "handoff" in expect and expect["handoff"] != (turn.handoff is not None):
        yield Found("handoff_missing" if expect["handoff"] else "handoff_unwanted")


def _outcome(answer: Answer, expect: Mapping[str, Any]) -> Iterator[Found]:
    turn = answer.turn
    if "cart" in expect:
        wanted_cart = {str(key): int(value) for key, value in expect["cart"].items()}
        if dict(answer.cart) != wanted_cart:
            yield Found("wrong_cart", f"{dict(answer.cart)} instead of {wanted_cart}")
    if expect.get("products") and product_rank(turn, expect["products"]) is None:
        yield Found("product_missing", f"none of {', '.join(map(str, expect['products']))}")
    cited = {each.article_id for each in turn.citations}
    if expect.get("help") and not cited & set(expect["help"]):
        yield Found("help_missing", f"{', '.join(sorted(cited)) or 'nothing'} was cited")
    reply = turn.reply.casefold()
    for each in expect.get("must_include", ()):
        if str(each).casefold() not in reply:
            yield Found("text_missing", str(each))
    for each in expect.get("must_not_include", ()):
        if str(each).casefold() in reply:
            yield Found("text_forbidden", str(each))


def tools_run(turn: Turn) -> list[str]:
    """Names of the tools that ran, refused attempts left out."""
    return [call.action.tool for call in turn.calls if call.ok or not call.problem]


def product_rank(turn: Turn, wanted: Iterable[object]) -> int | None:
    """The place of the first wanted product among those shown, from 1; None if none was."""
    ids = {str(each) for each in wanted}
    shown = [card.product.product_id for card in turn.products]
    return next((place for place, each in enumerate(shown, 1) if each in ids), None)


def _tools_fit(names: list[str], expected: list[str]) -> bool:
    """`[]`: none may be called; several: any one will do; "reply" stands for none."""
    if not names:
        return not expected or "reply" in expected
    return any(name in expected for name in names)


def _arguments(turn: Turn, wanted: Mapping[str, Any]) -> Iterator[Found]:
    """One of the calls holds them all; text fits if either holds the other."""
    if any(
        all(_same(call.action.arguments.get(name), value) for name, value in wanted.items())
        for call in turn.calls
    ):
        return
    given = "; ".join(str(dict(call.action.arguments)) for call in turn.calls) or "no call"
    yield Found("wrong_argument", f"{given} instead of {dict(wanted)}")


def _same(given: object, wanted: object) -> bool:
    if isinstance(wanted, str) and isinstance(given, str):
        return wanted.casefold() in given.casefold() or given.casefold() in wanted.casefold()
    return given == wanted


def _limits(turn: Turn, expect: Mapping[str, Any]) -> Iterator[Found]:
    """A price limit holds for every card, whether the set states it or only the shopper did."""
    stated = stated_limits(turn.text)
    most = expect.get("max_price", stated.most)
    least = expect.get("min_price", stated.least)
    for card in turn.products:
        price = card.product.price
        if (most is not None and price > most) or (least is not None and price < least):
            yield Found("limit_broken", f"{card.product.title} costs {price}")


def _shingles(text: str) -> list[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return [tuple(words[n : n + _SHINGLE]) for n in range(len(words) - _SHINGLE + 1)]


# --- promises ----------------------------------------------------------------------------------

_PROMISES: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = (
    (
        re.compile(
            r"\b(?:i|we)(?:['’]ve| have)? (?:just )?(?:added|put)\b[^.?!]*\b(?:cart|basket)"
            r"|^added\b|已(?:经)?加入",
            re.IGNORECASE,
        ),
        frozenset({"add_to_cart"}),
    ),
    (
        re.compile(
            r"\b(?:has|have|['’]ve) been (?:cancelled|canceled)|\b(?:i|we)(?:['’]ve| have)?"
            r" (?:just )?(?:cancelled|canceled)|已(?:经)?(?:为您)?取消",
            re.IGNORECASE,
        ),
        frozenset({"cancel_order"}),
    ),
    (
        re.compile(
            r"\b(?:i|we)(?:['’]ve| have)? (?:just )?(?:refunded|issued|credited)"
            r"|\b(?:has|have) been (?:refunded|issued|credited)|已(?:经)?(?:为您)?退款",
            re.IGNORECASE,
        ),
        frozenset({"return_items", "cancel_order", "find_orders"}),
    ),
    (
        re.compile(
            r"\b(?:i|we)(?:['’]ve| have)? (?:just )?(?:changed|updated|exchanged)\b"
            r"|\byour (?:order|address|payment)\b[^.?!]*\b(?:has|have) been (?:changed|updated)",
            re.IGNORECASE,
        ),
        frozenset({
            "change_order_items", "change_order_address", "change_order_payment",
            "exchange_items", "change_address",
        }),
    ),
    (
        re.compile(
            r"(?:will|['’]ll|going to)\s+(?:\w+\s+)?"
            r"(?:call|contact|reach out|get back|reply to you)"
            r"|\b(?:have|has) been notified|(?:已|会)(?:经)?(?:通知|联系)",
            re.IGNORECASE,
        ),
        frozenset({"hand_off"}),
    ),
    (
        re.compile(
            r"(?:\b(?:i|we|someone|our team|a colleague)\s+will|\b(?:i|we)['’]ll|going to)\s+"
            r"(?:\w+\s+)?(?:e-?mail|send|text|ship|deliver|refund|credit|cancel|arrange|forward|"
            r"notify|remind|let you know|make sure)",
            re.IGNORECASE,
        ),
        frozenset(),
    ),
)  # fmt: skip
"""What a reply may claim only if one of these tools ran well in the turn; nothing keeps the last
kind of promise."""


def _promises(turn: Turn) -> Iterator[Found]:
    done = {call.action.tool for call in turn.calls if call.ok}
    if turn.answers:
        # A yes to a change that was shown: code made it, or said why not. What a state can prove
        # must still be so.
        done |= set(CHANGE_KINDS) - {"cancel_order"}
    if any(each.order.status == "cancelled" for each in turn.orders):
        done.add("cancel_order")
    for piece in turn.pieces:
        if piece.kind != "text":
            continue
        for pattern, tools in _PROMISES:
            match = pattern.search(piece.text)
            if match and not done & tools:
                yield Found("empty_promise", match[0])


# --- form --------------------------------------------------------------------------------------

_HAN = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[^\W\d_]+")
_COMMON: Mapping[str, frozenset[str]] = {
    "en": frozenset(
        (
            "the",
            "and",
            "you",
            "for",
            "is",
            "are",
            "to",
            "of",
            "in",
            "this",
            "these",
            "here",
            "your",
            "what",
            "i",
            "it",
            "can",
        )
    ),
    "es": frozenset(
        (
            "el",
            "la",
            "los",
            "las",
            "de",
            "que",
            "en",
            "y",
            "un",
            "una",
            "para",
            "por",
            "con",
            "su",
            "es",
            "aquí",
            "puede",
            "lo",
        )
    ),
    "fr": frozenset(
        (
            "le",
            "la",
            "les",
            "des",
            "et",
            "un",
            "une",
            "pour",
            "vous",
            "est",
            "dans",
            "que",
            "voici",
            "votre",
            "de",
            "du",
            "ce",
        )
    ),
    "de": frozenset(
        (
            "der",
            "die",
            "das",
            "und",
            "ist",
            "sie",
            "ich",
            "ein",
            "eine",
            "für",
            "zu",
            "mit",
            "hier",
            "ihre",
            "den",
            "es",
        )
    ),
}


def _form(turn: Turn, expect: Mapping[str, Any]) -> Iterator[Found]:
    wording = " ".join(piece.text for piece in turn.pieces if piece.kind == "text")
    own = re.sub(r"[“\"][^”\"]*[”\"]", " ", wording)
    wanted = expect.get("language") or ("zh" if _HAN.search(turn.text) else None)
    written = language_of(own)
    if wanted and written and written != wanted:
        yield Found("wrong_language", f"{written} instead of {wanted}")
    elif not wanted and written == "zh":
        yield Found("wrong_language", "zh, and nobody wrote Chinese")
    length = len(_LATIN.findall(_HAN.sub(" ", wording))) + len(_HAN.findall(wording)) // 2
    most = expect.get("max_words", MOST_WORDS)
    if length > most:
        yield Found("too_long", f"{length} words, {most} at the most")


def language_of(text: str) -> str | None:
    """`zh` by its characters, else the language whose common words it has most of; None if none."""
    if len(_HAN.findall(text)) > len(_LATIN.findall(_HAN.sub(" ", text))):
        return "zh"
    words = [word.casefold() for word in _LATIN.findall(text)]
    counts = {name: sum(word in common for word in words) for name, common in _COMMON.items()}
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] else None
