"""The desk: what colleagues see and do. Every write is one transaction under the conversation's
lock, and says who does it."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from assistant.brief import Brief, brief_text
from assistant.database import conversations
from assistant.desk import states
from assistant.desk.notices import Channels, Notices
from assistant.desk.staff import Colleague, Staff
from assistant.desk.tables import handoffs, notes, staff
from assistant.desk.view import Note, View, missing
from assistant.errors import BadInput, Conflict, NotFound, TooMany
from assistant.store import Store, insert_turn
from assistant.tools.context import Context, Shop
from assistant.types import ConversationState, Turn

CARDS = 6
"""Products that one message of a colleague may carry."""
LONGEST_NOTE = 4_000
AGAIN = 2
"""The priority of a conversation whose colleague went silent: it has waited once already."""
_EMAIL = re.compile(r"[^@\s\"<>,;:\\]{1,64}@[A-Za-z0-9.-]{1,190}\.[A-Za-z]{2,}")


@dataclass(frozen=True, slots=True)
class Rules:
    """What a shop sets for its desk."""

    capacity: int = 6
    """Conversations that one colleague has at a time."""
    silent: timedelta = timedelta(minutes=5)
    """After so long without an answer a conversation goes back into the queue."""
    answer_within: timedelta = timedelta(minutes=2)
    """What the desk aims at; later is a visible breach."""
    briefs: bool = False
    """Whether the model sums up what is at the desk."""
    canned: Path | None = None
    """The shop's own ready replies, where there are some."""
    channels: Channels = field(default_factory=Channels)
    """Who is told when a conversation changes hands."""


class Desk:
    """Serves any number of threads. Methods raise NotFound for a conversation that is not there,
    Conflict where another has it or it is in another state, StorageError for the database."""

    def __init__(self, shop: Shop, store: Store, rules: Rules = Rules()) -> None:
        self.rules = rules
        self.staff = Staff(store.database)
        self.notices = Notices(store.database, rules.channels)
        self.view = View(shop, store, self.staff, rules.answer_within)
        self._shop = shop
        self._store = store
        self._database = store.database

    # --- what a colleague does ---

    def claim(self, who: Colleague, conversation_id: str) -> None:
        """Take a conversation that waits, is resolved, or is with the assistant.

        Raises Conflict naming the colleague who has it, TooMany at the limit of `capacity`.
        """
        with self._locked(conversation_id) as (connection, state):
            owner = _owner(connection, conversation_id)
            if state == "with_staff":
                if owner == who.staff_id:
                    return
                raise _has_it(_name(connection, owner))
            self._check_capacity(connection, who)
            states.move(
                connection,
                conversation_id,
                "with_staff",
                acting(who),
                reason="took over" if state == "with_assistant" else "claimed",
                staff_id=who.staff_id,
            )
            position = states.last_position(connection, conversation_id)
            states.change(connection, conversation_id, seen_position=position)

    def _check_capacity(self, connection: sa.Connection, who: Colleague) -> None:
        if not who.is_person:
            return
        mine = handoffs.c.staff_id == who.staff_id
        # On PostgreSQL two claims of one colleague must not both see the last free place.
        connection.execute(
            sa.select(staff.c.staff_id).where(staff.c.staff_id == who.staff_id).with_for_update()
        )
        count = sa.select(sa.func.count()).where(mine, handoffs.c.ended_at.is_(None))
        if (connection.scalar(count) or 0) >= self.rules.capacity:
            raise TooMany(
                f"you have {self.rules.capacity} conversations, the most at a time; "
                "resolve or release one first",
                f"您已有{self.rules.capacity}个对话，达到上限；请先解决或放回一个",
            )

    def claim_next(self, who: Colleague) -> str | None:
        """Take the first that waits, and which it was; None when nobody waits."""
        for entry in self.view.queue():
            if entry.state == "waiting":
                try:
                    self.claim(who, entry.conversation_id)
                except Conflict:
                    continue  # another colleague was faster
                return entry.conversation_id
        return None

    def reply(
        self, who: Colleague, conversation_id: str, text: str, product_ids: Sequence[str] = ()
    ) -> Turn:
        """Say something to the shopper, with product cards from the catalogue."""
        text = text.strip()
        if not text and not product_ids:
            raise BadInput(
                "the message is empty; write something or add a product",
                "消息为空；请输入内容或添加商品",
            )
        check_length(text)
        if len(product_ids) > CARDS:
            raise BadInput(
                f"{len(product_ids)} products are too many; add {CARDS} at most",
                f"{len(product_ids)}件商品过多；最多添加{CARDS}件",
            )
        conversation = self._store.any_conversation(conversation_id)
        context = Context(
            self._shop,
            self._store,
            conversation.shopper,
            conversation.language,
            "",
            conversation.turns,
        )
        cards = context.cards(product_ids, lambda _: "")
        if len(cards) != len(product_ids):
            lacking = sorted(set(product_ids) - {card.product.product_id for card in cards})[0]
            raise NotFound(f"no product {lacking!r} in this shop", f"本店没有商品{lacking!r}")
        turn = Turn(
            secrets.token_urlsafe(16),
            text,
            "finished",
            products=cards,
            at=self.now(),
            kind="staff",
            author=who.name,
        )
        with self.owned(who, conversation_id) as connection:
            insert_turn(connection, conversation_id, turn)
            self.answered(connection, conversation_id)
        return turn

    def answered(self, connection: sa.Connection, conversation_id: str) -> None:
        """The colleague who has it has said something, and has seen all that is there."""
        states.change(
            connection,
            conversation_id,
            unanswered_at=None,
            answered_at=sa.func.coalesce(handoffs.c.answered_at, datetime.now(UTC)),
            seen_position=states.last_position(connection, conversation_id),
        )

    @contextmanager
    def owned(self, who: Colleague, conversation_id: str) -> Iterator[sa.Connection]:
        """A transaction on a conversation that this colleague has; raises Conflict for others."""
        with self._locked(conversation_id) as (connection, state):
            _check_owner(connection, conversation_id, state, who)
            yield connection

    def now(self) -> datetime:
        """By the shop's clock, as messages are dated."""
        return self._shop.catalogue.clock.now()

    def note(self, who: Colleague, conversation_id: str, text: str) -> Note:
        """Write down something that neither the shopper nor the model ever sees."""
        text = text.strip()
        if not 1 <= len(text) <= LONGEST_NOTE:
            raise BadInput(
                f"the note has {len(text):,} characters; write 1 to {LONGEST_NOTE:,}",
                f"备注有{len(text):,}个字符；请写1到{LONGEST_NOTE:,}个",
            )
        now = datetime.now(UTC)
        with self._locked(conversation_id) as (connection, _):
            position = states.last_position(connection, conversation_id)
            note = Note(secrets.token_urlsafe(12), position, now, who.name, text)
            connection.execute(
                notes.insert().values(
                    note_id=note.note_id,
                    conversation_id=conversation_id,
                    position=position,
                    at=now,
                    author=who.name,
                    text=json.dumps(text),
                )
            )
        return note

    def release(self, who: Colleague, conversation_id: str) -> None:
        """Put it back into the queue for another colleague."""
        self._hand_on(who, conversation_id, "waiting", "released")

    def give_back(self, who: Colleague, conversation_id: str) -> None:
        """Return it to the assistant; the stretch stays marked as a colleague's."""
        self._hand_on(who, conversation_id, "with_assistant", "returned")

    def resolve(self, who: Colleague, conversation_id: str) -> None:
        """It is done, until the shopper writes again."""
        self._hand_on(who, conversation_id, "resolved", "resolved")

    def _hand_on(
        self, who: Colleague, conversation_id: str, to: ConversationState, reason: str
    ) -> None:
        with self._locked(conversation_id) as (connection, state):
            if state == "with_staff":
                # An admin may take it from a colleague who has gone home.
                if who.role != "admin":
                    _check_owner(connection, conversation_id, state, who)
            elif state != "waiting":
                raise Conflict(
                    f"nobody at the desk has this conversation ({state}); reload",
                    "客服台没有人接待此对话；请刷新",
                )
            states.move(connection, conversation_id, to, acting(who), reason=reason)

    def seen(self, who: Colleague, conversation_id: str) -> None:
        """The colleague who has it has read all that is there."""
        with self._locked(conversation_id) as (connection, state):
            if state == "with_staff" and _owner(connection, conversation_id) == who.staff_id:
                position = states.last_position(connection, conversation_id)
                states.change(connection, conversation_id, seen_position=position)

    def keep_brief(self, conversation_id: str, brief: Brief) -> None:
        """Keep what the model made of an open hand-off."""
        with self._locked(conversation_id) as (connection, _):
            states.change(connection, conversation_id, brief=brief_text(brief))

    def sweep(self) -> list[str]:
        """Put back into the queue what a silent colleague has; which conversations those were."""
        late = datetime.now(UTC) - self.rules.silent
        silent = sa.select(handoffs.c.conversation_id).where(
            handoffs.c.ended_at.is_(None),
            handoffs.c.staff_id.is_not(None),
            handoffs.c.unanswered_at < late,
            handoffs.c.claimed_at < late,
        )
        with self._database.read() as connection:
            found = list(connection.scalars(silent))
        moved = []
        for conversation_id in found:
            with self._locked(conversation_id) as (connection, state):
                still = connection.scalar(
                    silent.where(handoffs.c.conversation_id == conversation_id)
                )
                if still is None or state != "with_staff":
                    continue
                states.change(connection, conversation_id, priority=AGAIN)
                states.move(connection, conversation_id, "waiting", "system", reason="silent")
                moved.append(conversation_id)
        return moved

    # --- what a shopper leaves ---

    def leave_email(self, shopper_key: str, conversation_id: str, address: str) -> None:
        """Keep an address with the hand-off, for the colleague who opens it."""
        address = address.strip()
        if not _EMAIL.fullmatch(address):
            raise BadInput(f"{address[:80]!r} is not an e-mail address; write it as name@host.tld")
        self._store.conversation(shopper_key, conversation_id)
        with self._locked(conversation_id) as (connection, state):
            if state not in states.PEOPLES:
                raise Conflict("this conversation waits for nobody; ask for a person first")
            states.change(connection, conversation_id, email=address)

    def rate(self, shopper_key: str, conversation_id: str, rating: int) -> None:
        """Keep 1 to 5 for the latest stretch that a colleague resolved."""
        if not 1 <= rating <= 5:
            raise BadInput(f"rating {rating!r} is not between 1 and 5")
        self._store.conversation(shopper_key, conversation_id)
        latest = (
            sa.select(handoffs.c.handoff_id)
            .where(handoffs.c.conversation_id == conversation_id, handoffs.c.outcome == "resolved")
            .order_by(handoffs.c.ended_at.desc())
            .limit(1)
        )
        with self._locked(conversation_id) as (connection, _):
            handoff_id = connection.scalar(latest)
            if handoff_id is None:
                raise Conflict("there is nothing to rate yet; it can be rated once it is resolved")
            connection.execute(
                handoffs.update().where(handoffs.c.handoff_id == handoff_id).values(rating=rating)
            )

    @contextmanager
    def _locked(self, conversation_id: str) -> Iterator[tuple[sa.Connection, ConversationState]]:
        if not (conversation_id.isascii() and conversation_id.isprintable()):
            raise missing(conversation_id)
        query = sa.select(conversations.c.state).where(
            conversations.c.conversation_id == conversation_id
        )
        with self._database.write() as connection:
            state = connection.scalar(query.with_for_update())
            if state is None:
                raise missing(conversation_id)
            yield connection, state


def acting(who: Colleague) -> str:
    """Who it is, as logs name them."""
    return f"staff:{who.staff_id}" if who.is_person else who.staff_id


def _owner(connection: sa.Connection, conversation_id: str) -> str | None:
    owner: str | None = connection.scalar(
        sa.select(handoffs.c.staff_id).where(
            handoffs.c.conversation_id == conversation_id, handoffs.c.ended_at.is_(None)
        )
    )
    return owner


def _name(connection: sa.Connection, staff_id: str | None) -> str:
    name: str | None = connection.scalar(
        sa.select(staff.c.name).where(staff.c.staff_id == staff_id)
    )
    return name or str(staff_id).removeprefix("token:")


def _check_owner(
    connection: sa.Connection, conversation_id: str, state: str, who: Colleague
) -> None:
    if state != "with_staff":
        raise Conflict(f"this conversation is {state}; claim it first", "请先接待此对话")
    owner = _owner(connection, conversation_id)
    if owner != who.staff_id:
        raise _has_it(_name(connection, owner))


def _has_it(name: str) -> Conflict:
    return Conflict(
        f"{name} has this conversation; ask {name} to hand it over",
        f"{name}正在接待此对话；请让{name}转交",
    )


def check_length(text: str) -> None:
    """Raises BadInput for a message that is longer than a colleague's may be."""
    if len(text) > LONGEST_NOTE:
        raise BadInput(
            f"the message has {len(text):,} characters; the most is {LONGEST_NOTE:,}",
            f"消息有{len(text):,}个字符；最多{LONGEST_NOTE:,}个",
        )
