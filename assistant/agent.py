"""One turn: decide, check, act, reply. The loop knows no tool and no model by name."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from assistant.brief import Briefer
from assistant.errors import ModelError
from assistant.events import CardsShown, Event, ReplyPiece, ToolStarted
from assistant.grounding import (
    Refused,
    Vocabulary,
    again_without,
    asks_for_a_person,
    check_arguments,
    may_hold_two_wishes,
    names_place,
)
from assistant.llm.base import LanguageModel, Message
from assistant.reply import Writer, compose
from assistant.tools.context import Context, says_it
from assistant.tools.registry import Tool, decision_schema
from assistant.types import (
    Action,
    Piece,
    ProductCard,
    ToolCall,
    ToolResult,
    Turn,
    TurnStatus,
)
from prompts import read_prompt

REPLY = "reply"
REMEMBERED = 4
"""Earlier turns that a decision sees at the least. The oldest leave as many at a time, so that
what the model has read mostly stays a prefix of what it reads next."""

ASIDE_LINES = 8
ASIDE_LETTERS = 240
"""How much of a colleague's stretch a decision reads."""


@dataclass(frozen=True, slots=True)
class Agent:
    """A language model with its prompts, its tools and its bounds. Shared by all conversations."""

    model: LanguageModel
    tools: Mapping[str, Tool]
    prompt: str
    writer: Writer
    briefer: Briefer
    max_steps: int = 6
    deadline: float = 30.0

    def warm_prompts(self) -> list[list[Message]]:
        """The prompts that never change: what each channel of the model reads once and keeps."""
        return [
            [Message("system", self.prompt)],
            [Message("system", self.writer.prompt)],
        ]


@dataclass(slots=True)
class Draft:
    """A turn as it grows; `turn` is what a listener has seen of it so far."""

    turn: Turn
    started: float = field(default_factory=time.monotonic)

    def add(self, **changes: object) -> None:
        self.turn = replace(self.turn, **changes)  # type: ignore[arg-type]

    def mark(self, milestone: str) -> None:
        if getattr(self.turn.seconds, milestone) is None:
            elapsed = round(time.monotonic() - self.started, 3)
            self.add(seconds=replace(self.turn.seconds, **{milestone: elapsed}))

    def show(self, result: ToolResult) -> CardsShown | None:
        """Take in what a tool found; the event if there is something to see."""
        known = {card.tag for card in self.turn.products}
        products = tuple(card for card in result.products if card.tag not in known)
        self.add(
            products=self.turn.products + products,
            citations=self.turn.citations + result.citations,
            orders=self.turn.orders + result.orders,
            cart=result.cart or self.turn.cart,
            handoff=result.handoff or self.turn.handoff,
            proposal=result.proposal or self.turn.proposal,
        )
        if products or result.orders:
            self.mark("first_card")
        elif not (result.citations or result.cart or result.handoff):
            return None
        return CardsShown(
            self.turn.turn_id,
            products,
            result.citations,
            result.orders,
            result.cart,
            result.handoff,
        )

    def say(self, piece: Piece) -> ReplyPiece:
        self.mark("first_text")
        self.add(pieces=(*self.turn.pieces, piece))
        return ReplyPiece(self.turn.turn_id, piece)

    def finish(self, status: TurnStatus) -> Turn:
        self.mark("total")
        self.add(status=status)
        return self.turn


def load_agent(
    model: LanguageModel,
    tools: Mapping[str, Tool],
    shop_name: str,
    prompts_folder: Path | None = None,
    *,
    max_steps: int = 6,
    deadline: float = 30.0,
) -> Agent:
    """An agent with its prompts filled in, from the package or the shop's own folder."""

    def prompt(name: str) -> str:
        return read_prompt(name, prompts_folder)

    described = "\n".join(
        f"- {each.name}({', '.join(each.parameters)}): {each.description}"
        for each in tools.values()
    )
    vocabulary = Vocabulary(
        frozenset(prompt("harmless_words.en.txt").split()),
        frozenset(prompt("harmless_characters.zh.txt").strip()),
    )
    return Agent(
        model,
        tools,
        prompt("decide.md").format(
            shop=shop_name, tools=described, examples=_examples(prompt("decide_examples.md"))
        ),
        Writer(
            model,
            prompt("reply.md").format(
                shop=shop_name, examples=_examples(prompt("reply_examples.md"))
            ),
            vocabulary,
        ),
        Briefer(model, prompt("brief.md").format(shop=shop_name), vocabulary),
        max_steps,
        deadline,
    )


def run_turn(
    agent: Agent, context: Context, draft: Draft, cancel: threading.Event
) -> Iterator[Event]:
    """Answer the shopper's message, streaming events; the turn itself grows in `draft`.

    Ends early when `cancel` is set (by the shopper, or here at the deadline); what was found by
    then is said. Raises ModelError when the model gives no usable answer at all.
    """
    late = threading.Event()

    def time_is_up() -> None:
        late.set()
        cancel.set()

    timer = threading.Timer(agent.deadline, time_is_up)
    timer.daemon = True
    timer.start()
    try:
        results = yield from _act(agent, context, draft, cancel)
        for piece in compose(agent.writer, context, results, cancel):
            yield draft.say(piece)
    finally:
        timer.cancel()
    if late.is_set():
        yield draft.say(Piece("text", context.phrase("deadline")))
    elif not draft.turn.pieces and not cancel.is_set():
        yield draft.say(Piece("text", context.phrase("no_answer")))
    draft.finish("stopped" if cancel.is_set() and not late.is_set() else "finished")


def _act(
    agent: Agent, context: Context, draft: Draft, cancel: threading.Event
) -> Generator[Event, None, list[ToolResult]]:
    """Decide, check and run tools until there is enough to reply with; returns their results."""
    messages = decide_messages(agent, context)
    results: list[ToolResult] = []
    tried: set[str] = set()
    used: set[str] = set()
    for _ in range(agent.max_steps):
        if cancel.is_set():
            break
        schema = decision_schema(tool for tool in agent.tools.values() if tool.name not in used)
        decision = None if tried else _plain(context)
        if decision is None:
            decision = _decide(agent, messages, schema, cancel)
            if decision is not None and not tried and _repeats(decision, context):
                # A small model copies what it did last. Asked without that, it reads the message.
                decision = _decide(agent, _anew(messages, context), schema, cancel)
        if decision is None:
            break
        more = bool(decision.pop("more", False)) and may_hold_two_wishes(context.text)
        name = str(decision.pop("tool"))
        attempt = json.dumps([name, decision], sort_keys=True, ensure_ascii=False)
        if name == REPLY or attempt in tried:
            break
        tried.add(attempt)
        try:
            arguments = check_arguments(name, decision, context)
        except Refused as refusal:
            draft.add(calls=(*draft.turn.calls, _refused(name, decision, refusal)))
            messages = [*messages, *_said(name, decision, f"(That failed: {refusal})")]
            continue
        used.add(name)
        action = Action(name, arguments)
        draft.mark("first_event")
        yield ToolStarted(draft.turn.turn_id, action)
        result = agent.tools[name].run(context, **arguments)
        results.append(result)
        draft.add(calls=(*draft.turn.calls, ToolCall(action, result.ok)))
        shown = draft.show(result)
        if shown:
            yield shown
        if not more or result.handoff or result.proposal:
            break
        rest = f"{_shown(result.products)}(Done. Now the other wish in: {context.text})"
        messages = [*messages, *_said(name, decision, rest)]
    return results


def _plain(context: Context) -> dict[str, object] | None:
    """The decision on a message so plain that the model has no part in it."""
    if asks_for_a_person(context.text):
        return {"tool": "hand_off", "reason": "asks_for_a_person"}
    return again_without(context)


def _decide(
    agent: Agent,
    messages: Sequence[Message],
    schema: Mapping[str, object],
    cancel: threading.Event,
) -> dict[str, object] | None:
    try:
        return dict(agent.model.decide(messages, schema, cancel=cancel))
    except ModelError:
        if cancel.is_set():
            return None
        raise


def _repeats(decision: Mapping[str, object], context: Context) -> bool:
    """Whether it is the last turn's decision again, for another message."""
    if not context.turns or not context.turns[-1].calls:
        return False
    last = context.turns[-1]
    if context.text.casefold() == last.text.casefold():
        return False
    if not last.calls[-1].ok:
        return False  # it asked back, and this may well be the answer
    action = last.calls[-1].action
    given = {key: value for key, value in action.arguments.items() if value is not None}
    return dict(decision) == {"tool": action.tool, **given}


def _anew(messages: Sequence[Message], context: Context) -> list[Message]:
    """The static prompt and the message, with what was shown only if it points at that."""
    points = says_it(context.text) or names_place(context.text)
    return [messages[0], messages[-1] if points else Message("user", context.text)]


def decide_messages(agent: Agent, context: Context) -> list[Message]:
    """The static prompt, the turns before with what they showed, then the message.

    Each turn only appends to what the turn before it sent, so a backend that caches prefixes
    reads no word twice.
    """
    messages = [Message("system", agent.prompt)]
    shown = ""
    answered, since = _with_asides(context.turns)
    forgotten = max(0, len(answered) - REMEMBERED) // REMEMBERED * REMEMBERED
    for turn, aside in answered[forgotten:]:
        messages.append(Message("user", shown + aside + turn.text))
        last = turn.calls[-1].action if turn.calls else Action(REPLY)
        messages.append(Message("assistant", _written(last.tool, last.arguments)))
        shown = _shown(turn.products)
    messages.append(Message("user", shown + since + context.text))
    return messages


def _with_asides(turns: Sequence[Turn]) -> tuple[list[tuple[Turn, str]], str]:
    """The turns that the assistant answered, each after what a colleague and the shopper said
    before it, and what they have said since the last one."""
    answered: list[tuple[Turn, str]] = []
    said: list[str] = []
    for turn in turns:
        if turn.kind == "answered":
            answered.append((turn, _aside(said)))
            said = []
        else:
            who = "Colleague" if turn.kind == "staff" else "Shopper"
            cards = "".join(f" [{card.tag} {card.product.title}]" for card in turn.products)
            said.append(f"{who}: {turn.words[:ASIDE_LETTERS]}{cards}")
    return answered, _aside(said)


def _aside(said: Sequence[str]) -> str:
    """The stretch that a person had, marked as theirs: it is settled and not to be said again."""
    if not said:
        return ""
    lines = "\n".join(said[-ASIDE_LINES:])
    return f"(A colleague had the conversation. What they settled stands:\n{lines})\n"


def _shown(cards: Sequence[ProductCard]) -> str:
    if not cards:
        return ""
    listed = "; ".join(f"{card.tag} {card.product.title}" for card in cards)
    return f"(Shown: {listed})\n"


def _said(name: str, arguments: Mapping[str, object], answer: str) -> list[Message]:
    return [Message("assistant", _written(name, arguments)), Message("user", answer)]


def _written(name: str, arguments: Mapping[str, object]) -> str:
    given = {key: value for key, value in arguments.items() if value is not None}
    return json.dumps({"tool": name, **given}, ensure_ascii=False, separators=(",", ":"))


def _refused(name: str, arguments: Mapping[str, object], refusal: Refused) -> ToolCall:
    return ToolCall(Action(name, dict(arguments)), False, refusal.message)


def _examples(text: str) -> str:
    pairs = (line.rsplit(" | ", 1) for line in text.splitlines() if line.strip())
    return "\n".join(
        f"{asked.strip()} -> {answer.strip()}".replace(" / ", "\n") for asked, answer in pairs
    )
