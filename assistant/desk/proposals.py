"""Changes of a shopper's own orders that a colleague proposes.

The same rules, refusals and sentences as when the shopper asks the assistant. The colleague shows
the exact effect in the chat, and only the shopper's yes there makes it: once, with both in the
audit log.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from assistant.changes import Changes
from assistant.database import changes
from assistant.desk.desk import Desk, acting, check_length
from assistant.desk.staff import Colleague
from assistant.errors import BadInput, Conflict, Forbidden
from assistant.grounding import language_of
from assistant.orders.book import OrderBook
from assistant.orders.types import CHANGE_KINDS, Change, ChangeKind, Customer, Effect
from assistant.orders.wording import describe
from assistant.types import Conversation, Language, Order, Piece, Proposal, Turn

_RECENT = 20
"""Orders that a colleague may choose from."""
_KEY = re.compile(r"[\x21-\x7e]{8,200}")


@dataclass(frozen=True, slots=True)
class Changeable:
    """One of the shopper's orders, and what its state lets a colleague propose."""

    order: Order
    kinds: tuple[ChangeKind, ...]


@dataclass(frozen=True, slots=True)
class Options:
    """What may be proposed to a shopper: `reasons` are those a cancellation may have, any where
    there is none; `of_account` whether the account's address may change."""

    orders: tuple[Changeable, ...]
    customer: Customer
    reasons: tuple[str, ...]
    of_account: bool


class Proposals:
    """Serves any number of threads. Raises as `Desk`, Forbidden where the shop does not know who
    the shopper is, and Refusal for a change that a rule forbids."""

    def __init__(self, desk: Desk, book: OrderBook, changes: Changes) -> None:
        self._desk = desk
        self._book = book
        self._changes = changes

    def options(self, conversation_id: str) -> Options:
        customer_id = _known(self._desk.view.conversation(conversation_id))
        rules = self._book.rules
        cancel = rules.rule("cancel_order")
        return Options(
            tuple(
                Changeable(order, self._kinds(order))
                for order in self._book.orders(customer_id, limit=_RECENT)
            ),
            self._book.customer(customer_id),
            cancel.reasons if cancel else (),
            rules.rule("change_address") is not None,
        )

    def _kinds(self, order: Order) -> tuple[ChangeKind, ...]:
        if order.request:
            return ()
        rules = {kind: self._book.rules.rule(kind) for kind in CHANGE_KINDS}
        return tuple(kind for kind, rule in rules.items() if rule and order.status in rule.states)

    def preview(self, conversation_id: str, change: Change) -> Effect:
        """Exactly what a yes would do. Writes nothing."""
        customer_id = _known(self._desk.view.conversation(conversation_id))
        return self._book.preview(customer_id, change)

    def propose(
        self, who: Colleague, conversation_id: str, change: Change, text: str = "", key: str = ""
    ) -> Turn:
        """Show the shopper what a yes would do, with the colleague's own words before it.

        It takes the place of what waited for a yes before. The same `key` again is the same
        proposal, which is shown once; raises Conflict for another change under it.
        """
        text = text.strip()
        check_length(text)
        conversation = self._desk.view.conversation(conversation_id)
        effect = self._book.preview(_known(conversation), change)
        change_id = _change_id(conversation_id, key) if key else secrets.token_urlsafe(16)
        lines = describe(effect, _spoken(conversation))
        turn = Turn(
            secrets.token_urlsafe(16),
            text,
            "finished",
            pieces=(Piece("change", "\n".join(lines), change_id),),
            proposal=Proposal(change_id, change, effect, by=who.name),
            at=self._desk.now(),
            kind="staff",
            author=who.name,
        )
        with self._desk.owned(who, conversation_id) as connection:
            known = connection.scalar(
                sa.select(changes.c.turn_id).where(changes.c.change_id == change_id)
            )
            if known is None:
                turn = self._changes.propose(
                    connection, conversation.shopper, conversation_id, turn, acting(who)
                )
                self._desk.answered(connection, conversation_id)
        return turn if known is None else self._again(conversation_id, known, change)

    def _again(self, conversation_id: str, turn_id: str, change: Change) -> Turn:
        turns: Sequence[Turn] = self._desk.view.conversation(conversation_id).turns
        turn = next(each for each in turns if each.turn_id == turn_id)
        if turn.proposal is None or turn.proposal.change != change:
            raise Conflict(
                "this key proposed another change; give every proposal a key of its own",
                "此key已用于另一项更改；请为每项提议使用不同的key",
            )
        return turn

    def withdraw(self, who: Colleague, conversation_id: str, change_id: str) -> None:
        """Take back what the shopper has not answered; what is done stays done."""
        with self._desk.owned(who, conversation_id) as connection:
            self._changes.withdraw(connection, conversation_id, change_id)


def _known(conversation: Conversation) -> str:
    customer_id = conversation.shopper.customer_id
    if customer_id is None:
        raise Forbidden(
            "the shop does not know who this shopper is; ask them to sign in, then look again",
            "本店不知道这位顾客的身份；请顾客先登录，再查看",
        )
    return customer_id


def _spoken(conversation: Conversation) -> Language:
    """The language that the shopper wrote last."""
    said = [turn.text for turn in conversation.turns if turn.kind != "staff" and not turn.answers]
    return language_of(said[-1], conversation.language) if said else conversation.language


def _change_id(conversation_id: str, key: str) -> str:
    if not _KEY.fullmatch(key):
        raise BadInput(f"the key {key[:40]!r} is not 8 to 200 printable characters without spaces")
    return hashlib.sha256(f"{conversation_id}\n{key}".encode()).hexdigest()[:32]
