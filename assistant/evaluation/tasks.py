"""Whole tasks of tau-bench and tau2-bench retail: the final state decides.

A scripted shopper, signed in as the task's customer, asks for what the task's gold actions do, one
change after the other, says yes to what is shown, and leaves. The reward is tau-bench's: 1 if the
orders and the account end as the gold actions leave them and everything that was to be told was
told, else 0; nothing in between. The benchmark's own user is a language model that also proves who
it is, so these figures are not comparable with its leaderboard.
"""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assistant.errors import BadInput
from assistant.evaluation.actions import ACTIONS, change_of
from assistant.evaluation.checks import Checks
from assistant.evaluation.metrics import failure_counts, metrics_of
from assistant.evaluation.replay import judged
from assistant.evaluation.rewording import reworded
from assistant.evaluation.simulate import (
    PATIENCE,
    Exchange,
    ModelShopper,
    ScriptedShopper,
    SimulatedShopper,
    converse,
)
from assistant.evaluation.stage import Answer, Stage
from assistant.evaluation.statistics import pass_hat, wilson
from assistant.evaluation.table import TableModel
from assistant.evaluation.transcripts import ExpectedTurn, Transcript
from assistant.llm.base import LanguageModel
from assistant.orders.book import OrderBook
from assistant.orders.refusal import Refusal
from assistant.orders.types import Change, ItemChange
from assistant.orders.wording import method_label
from assistant.progress import Progress, silent
from assistant.record import encode
from assistant.shop.catalogue import Catalogue
from assistant.store import Store

TRANSFER = "transfer_to_human_agents"


@dataclass(frozen=True, slots=True)
class Task:
    """`told` are texts that some answer must hold; `wish` is what the benchmark tells its user."""

    task_id: str
    customer_id: str
    changes: tuple[Change, ...]
    told: tuple[str, ...] = ()
    handoff: bool = False
    wish: str = ""


def read_tasks(path: Path, catalogue: Catalogue) -> tuple[list[Task], list[str]]:
    """The tasks of a JSONL file, gzipped or not, of either benchmark; what was left out and why.

    Raises BadInput when the file cannot be read or no task is about this shop.
    """
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise BadInput(f"tasks {str(path)!r} cannot be read: {error}") from None
    people = _People(catalogue)
    tasks: list[Task] = []
    problems: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            tasks.append(_task(json.loads(line), people))
        except (KeyError, TypeError, ValueError, BadInput) as error:
            told = error.message if isinstance(error, BadInput) else f"no task: {error!r}"
            problems.append(f"{path}, line {number}: {told}")
    if not tasks:
        raise BadInput(f"{str(path)!r} holds no task about this shop: {(problems or ['empty'])[0]}")
    return tasks, problems


class _People:
    """Who a task is about: the customer of its orders, else of the name and post code in it."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.orders: dict[str, tuple[str, str]] = {}
        self._found: dict[tuple[str, ...], str] = {}
        for customer_id in catalogue.customer_ids():
            for order in catalogue.orders(customer_id, limit=None):
                self.orders[order.order_id.strip("#")] = customer_id, order.order_id
            customer = catalogue.customer(customer_id)
            self._found[(customer_id,)] = customer_id
            if customer and customer.name:
                self._found[(customer.email.casefold(),)] = customer_id
                place = customer.address.zip if customer.address else ""
                self._found[(customer.name.casefold(), place)] = customer_id

    def of(self, actions: Sequence[Mapping[str, Any]], user_id: str | None) -> str:
        for action in actions:
            given = action["arguments"]
            known = self.orders.get(str(given.get("order_id", "")).strip("#"))
            if known:
                return known[0]
            name = f"{given.get('first_name', '')} {given.get('last_name', '')}".casefold()
            for key in (
                (given.get("user_id"),), (str(given.get("email", "")).casefold(),),
                (name, str(given.get("zip", ""))),
            ):  # fmt: skip
                if any(part and part.strip() for part in key) and key in self._found:
                    return self._found[key]
        if user_id and (user_id,) in self._found:
            return user_id
        raise BadInput("nobody in this shop is the task's customer; import the benchmark's shop")


def _task(record: Mapping[str, Any], people: _People) -> Task:
    criteria = record.get("evaluation_criteria") or {}
    actions = criteria.get("actions") or record.get("actions") or []
    if "evaluation_criteria" in record:
        told = tuple(map(str, criteria.get("communicate_info") or ()))
        wish = " ".join(map(str, record["user_scenario"]["instructions"].values()))
    else:
        told = tuple(map(str, record.get("outputs") or ()))
        wish = str(record.get("instruction", ""))
    return Task(
        str(record["id"]),
        people.of(actions, record.get("user_id")),
        tuple(_change(each, people) for each in actions if each["name"] in ACTIONS),
        told,
        any(each["name"] == TRANSFER for each in actions),
        wish,
    )


def _change(action: Mapping[str, Any], people: _People) -> Change:
    change = change_of(action["name"], action["arguments"])
    assert change is not None
    # Units of one product are one entry, as a shopper would ask for them.
    units = Counter((each.product_id, each.new_product_id) for each in change.items)
    items = tuple(ItemChange(old, count, new) for (old, new), count in units.items())
    order_id = people.orders[change.order_id.strip("#")][1] if change.order_id else ""
    return replace(change, order_id=order_id, items=items)


# --- the state ---------------------------------------------------------------------------------


def state_of(book: OrderBook, customer_id: str) -> dict[str, Any]:
    """A customer's account and orders as they are, as JSON that can be compared.

    In which order the lines of an order were changed is nobody's concern.
    """
    orders = {}
    for each in book.orders(customer_id, limit=None):
        orders[each.order_id] = record = encode(each)
        record["lines"].sort(key=lambda line: line["product_id"])
        if record["request"]:
            record["request"]["items"].sort(key=lambda item: item["product_id"])
    return {"customer": encode(book.customer(customer_id)), "orders": orders}


def gold_state(store: Store, catalogue: Catalogue, task: Task) -> dict[str, Any]:
    """The state after the task's gold actions, in a store that nothing has happened in yet.

    Raises Refusal where the shop's rules forbid one.
    """
    book = OrderBook(catalogue, store.database)
    for change in task.changes:
        with store.database.write() as connection:
            book.apply(connection, task.customer_id, change)
    return state_of(book, task.customer_id)


# --- the shopper -------------------------------------------------------------------------------


def shopper_for(
    task: Task, catalogue: Catalogue, book: OrderBook, seed: str = ""
) -> ScriptedShopper:
    """Asks for each gold change in words, as someone who has the order in front of them.

    With a seed each line is said a little differently, as in another trial.
    """
    lines = [line for change in task.changes for line, _ in _wishes(change, task, catalogue, book)]
    if task.handoff:
        lines.append("I want to talk to a human about this.")
    if seed:
        lines = [reworded(line, f"{seed}:{place}") for place, line in enumerate(lines)]
    return ScriptedShopper(lines, waits=waits_for_a_yes)


def waits_for_a_yes(answer: Answer) -> bool:
    proposal = answer.turn.proposal
    return proposal is not None and proposal.state == "proposed"


def perfect(tasks: Sequence[Task], catalogue: Catalogue, book: OrderBook) -> TableModel:
    """A model that understands every scripted line: what the tools allow at the best."""
    return TableModel({
        line: decision
        for task in tasks
        for change in task.changes
        for line, decision in _wishes(change, task, catalogue, book)
    })  # fmt: skip


def _wishes(
    change: Change, task: Task, catalogue: Catalogue, book: OrderBook
) -> Iterator[tuple[str, dict[str, Any]]]:
    """What the shopper says for a change, and the decision that means the same."""
    order = change.order_id
    ours: dict[str, Any] = {"tool": change.kind, **({"order_id": order} if order else {})}
    method = book.customer(task.customer_id).method(change.payment_id)
    label = method_label(method, "en") if method else "another way"
    paid = f" Use {label}." if method else ""
    match change.kind:
        case "cancel_order":
            line = f"Please cancel order {order}. Reason: {change.reason}."
            yield line, {**ours, "reason": change.reason}
        case "return_items":
            titles = [_title(each.product_id, catalogue) for each in change.items]
            line = f"I want to return from order {order}: {' and '.join(titles)}.{paid}"
            yield line, {**ours, "items": titles}
        case "exchange_items" | "change_order_items":
            verb = "exchange" if change.kind == "exchange_items" else "change"
            old = [_title(each.product_id, catalogue) for each in change.items]
            new = [_title(each.new_product_id, catalogue) for each in change.items]
            swaps = [f"the {one} for the {other}" for one, other in zip(old, new, strict=True)]
            line = f"In order {order}, {verb} {' and '.join(swaps)}.{paid}"
            yield line, {**ours, "items": old, "new_items": new}
        case "change_order_payment":
            yield f"I want to pay order {order} with {label}.", {**ours, "payment": label}
        case _:
            assert change.address is not None
            to = change.address.text
            line = f"Please deliver order {order} to {to} instead."
            if change.kind == "change_address":
                line = f"I moved, my address is now {to}."
            yield line, {**ours, "address": to}


def _title(product_id: str, catalogue: Catalogue) -> str:
    product = catalogue.product(product_id)
    return product.title if product else product_id


# --- a trial -----------------------------------------------------------------------------------

Makes = Callable[[Task, Catalogue, OrderBook, str], SimulatedShopper]
"""Makes the shopper of a trial: the task, the shop, its orders, and a seed from trial 2 on."""


def played_by(model: LanguageModel, prompt: str) -> Makes:
    """Shoppers that a language model plays, by what the benchmark tells its own."""

    def make(task: Task, _shop: Catalogue, _book: OrderBook, _seed: str) -> SimulatedShopper:
        return ModelShopper(model, prompt, task.wish)

    return make


def sample(tasks: Sequence[Task], most: int, seed: int) -> list[Task]:
    """At most so many tasks, drawn by seed, in their order."""
    places = random.Random(seed).sample(range(len(tasks)), min(most, len(tasks)))
    return [tasks[place] for place in sorted(places)]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One trial. `state` is whether the final state is the gold one; `why` says what kept the
    reward, empty for a success.
    """

    task_id: str
    trial: int
    reward: int
    why: str
    exchanges: tuple[Exchange, ...]
    state: bool = False


def attempt(stage: Stage, task: Task, trial: int, seed: int, make: Makes = shopper_for) -> Outcome:
    """Have the conversation and compare the state that it left with the gold one."""
    catalogue = stage.shop.catalogue
    with stage.conversation(None) as untouched:
        try:
            wanted = gold_state(untouched.store, catalogue, task)
        except Refusal as refusal:
            why = f"the rules forbid the gold actions: {refusal.sentence('en')}"
            return Outcome(task.task_id, trial, 0, why, ())
    with stage.conversation(task.customer_id) as assistant:
        book = OrderBook(catalogue, assistant.store.database)
        spoken = f"{seed}:{task.task_id}:{trial}" if trial > 1 else ""
        patience = max(PATIENCE, 3 * len(task.changes) + 2)
        exchanges = converse(assistant, make(task, catalogue, book, spoken), patience)
        reached = state_of(book, task.customer_id)
    why = _missed(task, wanted, reached, exchanges)
    return Outcome(
        task.task_id, trial, int(not why), why, tuple(exchanges), state=reached == wanted
    )


def _missed(
    task: Task,
    wanted: Mapping[str, Any],
    reached: Mapping[str, Any],
    exchanges: Sequence[Exchange],
) -> str:
    if reached != wanted:
        changed = sorted(
            name
            for name in {*wanted["orders"], *reached["orders"]}
            if wanted["orders"].get(name) != reached["orders"].get(name)
        )
        if wanted["customer"] != reached["customer"]:
            changed.append("the account")
        return f"the final state is not the gold one: {', '.join(changed)}"
    said = " ".join(each.answer.turn.reply for each in exchanges).replace(",", "")
    untold = [each for each in task.told if each.replace(",", "") not in said]
    if untold:
        return f"never told: {', '.join(untold)}"
    if task.handoff and not any(each.answer.turn.handoff for each in exchanges):
        return "no person was asked for"
    return ""


# --- the run -----------------------------------------------------------------------------------


def run_tasks(
    stage: Stage,
    checks: Checks,
    tasks: Sequence[Task],
    trials: int = 1,
    seed: int = 1,
    progress: Progress = silent,
    make: Makes | None = None,
) -> dict[str, Any]:
    """The document of `aisle evaluate tasks --json`: rewards, pass^k, and every turn checked.

    Tasks whose gold actions the shop's rules forbid are listed and count in nothing.
    """
    outcomes: list[Outcome] = []
    whole: list[Outcome] = []
    try:
        for place, task in enumerate(tasks):
            for trial in range(1, trials + 1):
                progress("Trying tasks", place * trials + trial - 1, len(tasks) * trials)
                outcomes.append(attempt(stage, task, trial, seed, make or shopper_for))
            whole = list(outcomes)
        progress("Trying tasks", len(tasks) * trials, len(tasks) * trials)
    except KeyboardInterrupt:
        outcomes = whole  # A task counts with all of its trials or not at all.
    tried = [each for each in outcomes if each.exchanges]
    rewards: dict[str, list[int]] = {}
    for each in tried:
        rewards.setdefault(each.task_id, []).append(each.reward)
    customers = {task.task_id: task.customer_id for task in tasks}
    results = [row for each in tried for row in _results(each, customers[each.task_id], checks)]
    counts = [sum(each) for each in rewards.values()]
    metrics = metrics_of(results, trials)
    if counts:
        metrics |= {
            "pass_1": pass_hat(counts, trials, 1),
            "pass_k": pass_hat(counts, trials, trials),
            "final_state_rate": wilson(sum(each.state for each in tried), len(tried)),
        }
    return {
        "conversations": len(rewards),
        "stopped": len(outcomes) < len(tasks) * trials,
        "turns": len(results),
        "trials": trials,
        "metrics": metrics,
        "tasks": [
            {
                "id": each.task_id,
                "trial": each.trial,
                "reward": each.reward,
                "state": each.state,
                "why": each.why,
            }
            for each in outcomes
        ],
        "failures": failure_counts(results),
        "confusion": [],
        "groups": {},
        "turn_results": results,
    }


def _results(outcome: Outcome, customer_id: str, checks: Checks) -> Iterator[dict[str, Any]]:
    said: list[str] = []
    for place, each in enumerate(outcome.exchanges):
        transcript = Transcript(f"task {outcome.task_id}", customer_id, ())
        expected = ExpectedTurn(each.text)
        yield judged(checks, transcript, place, expected, outcome.trial, each.answer, said)
        said.append(each.text)
