"""Changes that wait for a yes: shown as their exact effect, then made once or not at all.

The change, its entry in the audit log, its new state and the turn that says so are one
transaction: a process that is killed at any moment leaves all of it or nothing, and the turn that
the shopper finds afterwards tells which. A yes is bound to one change, in one conversation, of one
shopper, and never comes from the model, nor from the colleague who may have proposed it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from assistant.database import audit_log, changes
from assistant.desk import states
from assistant.errors import NotFound
from assistant.orders.book import Applied, OrderBook
from assistant.orders.refusal import Refusal
from assistant.record import decode, encode
from assistant.store import Store, insert_turn, keep_turn, lock_conversation
from assistant.types import (
    Conversation,
    Order,
    Proposal,
    ProposalState,
    Shopper,
    Turn,
)

ASSISTANT = "assistant"
"""Who proposed a change that no colleague did."""
_LONGEST = 40
"""Characters of a plain yes or no; more says more."""
_YES = re.compile(
    r"(?:(?:yes|yep|yeah|yup|y|ok|okay|sure|correct|confirm(?:ed)?|i confirm|go ahead|do it"
    r"|please do|yes please|that's right|sounds good|是|是的|好|好的|可以|对|对的|确认|同意"
    r"|行|没问题|sí|si|claro|confirmo|oui|ja)[\s,.!，。！、]*)+",
    re.IGNORECASE,
)
_NO = re.compile(
    r"(?:(?:no|nope|nah|n|don'?t|do not|don'?t do it|do not do it|no thanks|no thank you|stop"
    r"|never ?mind|leave it|keep it|不|不是|不要|不用|不用了|不行|别|算了|不了|no gracias|non|nein"
    r")[\s,.!，。！、]*)+",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of an answer: the change's state now, and the order as it then is.

    `repeated` is true where the change was settled before, so that nothing was done now.
    """

    proposal: Proposal
    repeated: bool = False
    refusal: Refusal | None = None
    order: Order | None = None


_THANKS = re.compile(r"[\s,，]*(?:thanks|thank you|谢谢|gracias)[\s.!。！]*$", re.IGNORECASE)


def answer_in(text: str) -> bool | None:
    """Whether a message is a plain yes (True) or no (False), and nothing besides (None)."""
    said = _THANKS.sub("", text.strip().replace("’", "'"))
    if len(said) > _LONGEST:
        return None
    if _YES.fullmatch(said):
        return True
    return False if _NO.fullmatch(said) else None


def awaited(conversation: Conversation) -> str | None:
    """The change that a plain yes would mean: the one that the latest turn shows, or was about to
    answer when it was cut off. Anything said in between, and the yes needs its button."""
    past = [turn for turn in conversation.turns if turn.status != "running"]
    if not past:
        return None
    latest = past[-1]
    if latest.status == "interrupted" and latest.answers:
        return latest.answers
    if latest.proposal and latest.proposal.state in ("proposed", "expired"):
        return latest.proposal.change_id
    return None


class Changes:
    """Proposals and what became of them. Safe to share between threads."""

    def __init__(
        self,
        store: Store,
        book: OrderBook,
        life: timedelta,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._book = book
        self._life = life
        self._now = now

    def keep(
        self,
        shopper: Shopper,
        conversation_id: str,
        turn: Turn,
    ) -> Turn:
        """Keep a turn, and what it proposes in the place of what waited before; the turn as kept.

        Raises as `Store.finish_turn`.
        """
        if turn.proposal is None or turn.status != "finished":
            # A change that the shopper may not have seen whole is not offered.
            turn = replace(turn, proposal=None)
            return self._store.finish_turn(shopper.key, conversation_id, turn)
        assert shopper.customer_id is not None, "only a customer has orders to change"
        now = self._now()
        proposal = replace(turn.proposal, expires_at=now + self._life)
        turn = replace(turn, proposal=proposal)
        with self._store.database.write() as connection:
            turn = keep_turn(connection, shopper.key, conversation_id, turn)
            if turn.proposal is None:
                return turn  # a person has the conversation now
            self._propose(connection, shopper, conversation_id, turn, ASSISTANT, now)
        return turn

    def propose(
        self, connection: sa.Connection, shopper: Shopper, conversation_id: str, turn: Turn, by: str
    ) -> Turn:
        """Put a colleague's turn with its proposal at the end of a conversation that the caller
        has locked, in the place of what waited before; the turn as kept. `by` is who they are."""
        assert turn.proposal is not None
        now = self._now()
        proposal = replace(turn.proposal, expires_at=now + self._life)
        turn = replace(turn, proposal=proposal)
        insert_turn(connection, conversation_id, turn)
        self._propose(connection, shopper, conversation_id, turn, by, now)
        return turn

    def _propose(
        self,
        connection: sa.Connection,
        shopper: Shopper,
        conversation_id: str,
        turn: Turn,
        by: str,
        now: datetime,
    ) -> None:
        proposal = turn.proposal
        assert proposal is not None
        connection.execute(
            changes.update()
            .where(changes.c.conversation_id == conversation_id, changes.c.state == "proposed")
            .values(state="replaced", settled_at=now)
        )
        connection.execute(
            changes.insert().values(
                change_id=proposal.change_id,
                turn_id=turn.turn_id,
                conversation_id=conversation_id,
                shopper_key=shopper.key,
                customer_id=shopper.customer_id,
                state="proposed",
                proposed_at=now,
                expires_at=proposal.expires_at,
                proposed_by=by,
                content=json.dumps(encode(proposal)),
            )
        )

    def withdraw(self, connection: sa.Connection, conversation_id: str, change_id: str) -> None:
        """Take back a change that nobody has answered; what is settled stays as it is. Raises
        NotFound for one of another conversation."""
        this = (changes.c.change_id == change_id) & (changes.c.conversation_id == conversation_id)
        if connection.scalar(sa.select(changes.c.state).where(this)) is None:
            raise _no_change(change_id)
        connection.execute(
            changes.update()
            .where(this, changes.c.state == "proposed")
            .values(state="withdrawn", settled_at=self._now())
        )

    def proposed_by(self, shopper: Shopper, conversation_id: str, change_id: str) -> str:
        """`ASSISTANT`, or which colleague; raises NotFound unless the change was proposed in this
        conversation of this shopper."""
        with self._store.database.read() as connection:
            row = connection.execute(_this(shopper, conversation_id, change_id)).first()
        if row is None:
            raise _no_change(change_id)
        return str(row.proposed_by)

    def answer_colleague(
        self,
        shopper: Shopper,
        conversation_id: str,
        turn: Turn,
        *,
        yes: bool,
        told: Callable[[Settled], Turn],
    ) -> Turn | None:
        """As `answer`, while a person has the conversation or is waited for: the message, the
        change and what `told` makes of the outcome are one transaction, and the assistant says
        nothing. None, with nothing done, where the conversation is the assistant's by now."""
        now = self._now()
        with self._store.database.write() as connection:
            if lock_conversation(connection, shopper.key, conversation_id) not in states.PEOPLES:
                return None
            query = _this(shopper, conversation_id, turn.answers).with_for_update()
            row = connection.execute(query).one()
            turn = told(self._settle(connection, row, now, turn, yes=yes))
            insert_turn(connection, conversation_id, turn)
            states.shopper_wrote(connection, conversation_id)
        return turn

    def answer(
        self,
        shopper: Shopper,
        conversation_id: str,
        turn: Turn,
        *,
        yes: bool,
        told: Callable[[Settled], Turn],
    ) -> Turn:
        """Make or drop the change that `turn` answers, and keep the turn that `told` makes of the
        outcome, in one transaction. Raises NotFound for a change that is another's."""
        now = self._now()
        with self._store.database.write() as connection:
            lock_conversation(connection, shopper.key, conversation_id)
            row = connection.execute(
                _this(shopper, conversation_id, turn.answers).with_for_update()
            ).one_or_none()
            if row is None:
                raise _no_change(turn.answers)
            if states.left_assistant_since(connection, conversation_id, turn.turn_id):
                # A person has the conversation now, and with it what happens to this order.
                stopped = replace(turn, status="stopped")
                return keep_turn(connection, shopper.key, conversation_id, stopped)
            settled = self._settle(connection, row, now, turn, yes=yes)
            return keep_turn(connection, shopper.key, conversation_id, told(settled))

    def _settle(
        self, connection: sa.Connection, row: Any, now: datetime, answer: Turn, *, yes: bool
    ) -> Settled:
        proposal = replace(decode(Proposal, json.loads(row.content)), expires_at=row.expires_at)
        if row.state != "proposed":
            return Settled(replace(proposal, state=row.state), repeated=True)
        state: ProposalState = "done" if yes else "declined"
        made: Applied | None = None
        refusal: Refusal | None = None
        if row.expires_at <= now:
            state = "expired"
        elif yes:
            try:
                made = self._book.apply(
                    connection, row.customer_id, proposal.change, proposal.effect
                )
            except Refusal as forbidden:
                state, refusal = "refused", forbidden
        connection.execute(
            changes.update()
            .where(changes.c.change_id == row.change_id)
            .values(state=state, settled_at=now)
        )
        if made is not None:
            connection.execute(
                audit_log.insert().values(
                    change_id=row.change_id,
                    at=now,
                    shopper_key=row.shopper_key,
                    customer_id=row.customer_id,
                    conversation_id=row.conversation_id,
                    action=proposal.change.kind,
                    content=json.dumps(
                        {
                            "proposed_by": row.proposed_by,
                            "proposed_by_name": proposal.by,
                            "confirmed_by": row.shopper_key,
                            "confirmed_in_turn": answer.turn_id,
                            "change": encode(proposal.change),
                            "effect": encode(proposal.effect),
                            "before": {
                                "customer": encode(made.customer_before),
                                "order": encode(made.order_before),
                            },
                            "after": {
                                "customer": encode(made.customer),
                                "order": encode(made.order),
                            },
                        }
                    ),
                )
            )
        order = made.order if made else None
        return Settled(replace(proposal, state=state), refusal=refusal, order=order)


def _this(shopper: Shopper, conversation_id: str, change_id: str) -> sa.Select[Any]:
    return sa.select(changes).where(
        changes.c.change_id == change_id,
        changes.c.conversation_id == conversation_id,
        changes.c.shopper_key == shopper.key,
    )


def _no_change(change_id: str) -> NotFound:
    return NotFound(f"there is no change {change_id!r} to answer in this conversation; ask anew")
