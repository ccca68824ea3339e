"""A thousand runs of shopper, assistant, colleagues and crashes over the real store, in any order.

What is looked for: a message lost or doubled, one from the assistant while a person has the
conversation, an order that differs between the sides.
"""

import contextlib
import random
import secrets
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from assistant.database import conversations
from assistant.desk.desk import Desk, Rules
from assistant.desk.staff import Colleague
from assistant.desk.tables import transitions
from assistant.errors import AisleError
from assistant.store import Store
from assistant.types import Handoff, Piece, Shopper

RUNS = 1_000
STEPS = 14
SEED = 20_240_601
GUEST = Shopper("guest:random")
COLLEAGUES = [Colleague(f"token:{name}", name, "agent") for name in ("Ann", "Ben")]


class Run:
    """One conversation, and what each side was told of it."""

    def __init__(self, store, desk, choose):
        self.store, self.desk, self.choose = store, desk, choose
        self.id = store.start(GUEST, "en").conversation_id
        self.running = {}  # turns whose process lives, with the pieces that the shopper has seen
        self.acknowledged = {}  # by turn id: who, and what

    def state(self):
        return self.store.any_conversation(self.id).state

    def step(self):
        acts = [
            (4, self.shopper_writes),
            (4, self.assistant_speaks),
            (2, self.assistant_ends),
            (1, self.assistant_hands_off),
            (1, self.shopper_asks),
            (1, self.shopper_withdraws),
            (3, self.colleague_claims),
            (4, self.colleague_replies),
            (2, self.colleague_moves),
            (1, self.crash),
        ]
        weights, functions = zip(*acts, strict=True)
        (act,) = self.choose.choices(functions, weights)
        with contextlib.suppress(AisleError):
            act()  # refused, nothing may have happened: the end of the run tells

    def shopper_writes(self):
        text = secrets.token_hex(4)
        turn = self.store.begin_turn(GUEST.key, self.id, text, datetime.now(UTC))
        self.acknowledged[turn.turn_id] = (turn.kind, text)
        if turn.kind == "answered":
            self.running[turn.turn_id] = turn

    def assistant_speaks(self):
        for turn_id, turn in list(self.running.items()):
            if self.store.may_answer(self.id, turn_id):
                assert self.state() == "with_assistant"
                said = Piece("text", secrets.token_hex(4))
                self.running[turn_id] = replace(turn, pieces=(*turn.pieces, said))

    def assistant_ends(self, handoff=None):
        for turn_id, turn in list(self.running.items()):
            del self.running[turn_id]
            before = self.state()
            done = replace(turn, status="finished", handoff=handoff)
            kept = self.store.finish_turn(GUEST.key, self.id, done)
            assert kept.pieces == turn.pieces, "what was seen is kept, and no more"
            if before != "with_assistant":
                assert kept.status == "stopped"
                assert self.state() == before

    def assistant_hands_off(self):
        self.assistant_ends(Handoff("asks_for_a_person", ""))

    def shopper_asks(self):
        self.store.ask_for_person(GUEST.key, self.id, Handoff("asks_for_a_person", ""))

    def shopper_withdraws(self):
        self.store.stop_waiting(GUEST.key, self.id)

    def colleague_claims(self):
        self.desk.claim(self.choose.choice(COLLEAGUES), self.id)

    def colleague_replies(self):
        text = secrets.token_hex(4)
        turn = self.desk.reply(self.choose.choice(COLLEAGUES), self.id, text)
        self.acknowledged[turn.turn_id] = ("staff", text)

    def colleague_moves(self):
        act = self.choose.choice((self.desk.release, self.desk.give_back, self.desk.resolve))
        act(self.choose.choice(COLLEAGUES), self.id)

    def crash(self):
        """The process is gone, its turns with it; another takes over."""
        self.running.clear()
        self.store.interrupt_running()

    def check(self):
        shoppers = self.store.conversation(GUEST.key, self.id).turns
        desks = self.desk.view.conversation(self.id).turns
        assert [t.turn_id for t in shoppers] == [t.turn_id for t in desks]
        assert [t.turn_id for t in shoppers] == list(self.acknowledged), "none lost, in order"
        assert [(t.kind, t.text) for t in shoppers] == list(self.acknowledged.values())
        with self.store.database.read() as connection:
            moves = connection.execute(
                sa.select(transitions)
                .where(transitions.c.conversation_id == self.id)
                .order_by(transitions.c.transition_id)
            ).all()
        state, at = "with_assistant", 0
        for move in moves:
            assert move.from_state == state, "every change of hands is in the log"
            self.check_stretch(shoppers[at : move.position], state)
            state, at = move.to_state, move.position
        self.check_stretch(shoppers[at:], state)
        assert state == self.state()

    def check_stretch(self, turns, state):
        kinds = {turn.kind for turn in turns}
        if state == "with_assistant":
            assert kinds <= {"answered"}
        elif state == "waiting":
            assert kinds <= {"message"}
        elif state == "with_staff":
            assert kinds <= {"message", "staff"}, "the assistant spoke over a person"
        else:
            assert not kinds


@pytest.fixture
def store(tmp_path):
    store = Store.open(f"sqlite:///{tmp_path / 'conversations.db'}")

    # A thousand runs are about order, not about the disk, which test_store.py looks after.
    @sa.event.listens_for(store.database.engine, "connect")
    def hurry(connection, _record):
        connection.execute("PRAGMA synchronous = OFF")

    store.database.engine.dispose()
    yield store
    store.close()


def test_a_thousand_interleaved_runs_lose_nothing_and_talk_over_nobody(store, shop):
    desk = Desk(shop, store, Rules())
    seen = set()
    for number in range(RUNS):
        run = Run(store, desk, random.Random(SEED + number))
        for _ in range(STEPS):
            run.step()
        run.check()
        seen.update(turn.kind for turn in store.conversation(GUEST.key, run.id).turns)
        seen.add(run.state())
    assert seen >= {"answered", "message", "staff", "waiting", "with_staff", "resolved"}
    with store.database.read() as connection:
        count = sa.select(sa.func.count()).select_from(conversations)
        assert connection.scalar(count) == RUNS
