"""A server killed at a hundred random moments while shoppers confirm changes of their orders."""

import json
import subprocess
import sys
from decimal import Decimal

import pytest
import sqlalchemy as sa

from assistant.database import audit_log
from assistant.orders.book import OrderBook
from assistant.progress import silent
from assistant.shop.catalogue import Catalogue
from assistant.shop.ingest import ingest
from assistant.store import Store
from assistant.web.cards import turn_html
from tests.tinyshop import TODAY, write_csv, write_shop

KILLS = 100
ORDERS = 1_500

SERVER = """
import json, os, random, signal, sys, time
from pathlib import Path
from types import SimpleNamespace
from assistant.identity import Doors, Visits
from assistant.session import Session
from assistant.shop.catalogue import Catalogue
from assistant.store import Store
from assistant.types import Shopper
from tests.tinyapp import ScriptedModel, tiny_agent

url, shop_database, kills, seed = sys.argv[1:]
random.seed(int(seed))
kim = Shopper("customer:kim", "kim")

def serve(tell, number):
    def say(*words):
        os.write(tell, (" ".join(words) + "\\n").encode())

    store = Store.open(url)
    shop = SimpleNamespace(catalogue=Catalogue(Path(shop_database)))
    agent = tiny_agent(ScriptedModel([{"tool": "cancel_order"}]))
    session = Session(shop, store, Visits(store), agent, Doors(), demo=False)
    session.open()
    turns = session.latest(kim).turns if session.latest(kim) else ()
    # The shopper whose yes was cut off looks at the page, and says it again.
    again = turns[-1].answers if turns and turns[-1].status == "interrupted" else ""
    conversation = (session.latest(kim) if again else session.start(kim)).conversation_id
    while True:
        if not again:
            *_, asked = session.handle(kim, conversation, f"cancel order K{number:04}")
            say("asked", asked.turn.proposal.change_id)
            number += 1
            # Half of them type it, half of them press the button.
            again = asked.turn.proposal.change_id if number % 2 else ""
        if again:
            events = session.answer(kim, conversation, again, yes=True)
        else:
            events = session.handle(kim, conversation, "yes")
        say("began", next(events).turn_id)
        *_, finished = events
        say("told", finished.turn.turn_id, finished.turn.reply.split()[0])
        again = ""

for killed in range(int(kills)):
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        serve(writing, 15 * killed)
    os.close(writing)
    with os.fdopen(reading) as told:
        lines = [told.readline() for _ in range(random.randrange(1, 9))]
        time.sleep(random.random() * 0.012)
        os.kill(child, signal.SIGKILL)
        lines += told.readlines()
    os.waitpid(child, 0)
    print(json.dumps([line.split() for line in lines if line.endswith("\\n")]), flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def catalogue(tmp_path):
    """Kim has a gift card and many orders of a dollar that it paid."""
    folder = write_shop(tmp_path / "shop")
    ids = [f"K{number:04}" for number in range(ORDERS)]
    paid = json.dumps({"payments": [{"kind": "payment", "amount": "1.00", "payment_id": "gift"}]})
    write_csv(
        folder / "customers.csv",
        ("customer_id", "payment_methods"),
        [("kim", json.dumps({"gift": {"kind": "gift_card", "balance": "0.00"}}))],
    )
    write_csv(
        folder / "orders.csv",
        ("order_id", "customer_id", "status", "placed_at", "total", "details"),
        [(each, "kim", "placed", TODAY.isoformat(), "1.00", paid) for each in ids],
    )
    write_csv(
        folder / "order_lines.csv",
        ("order_id", "product_id", "quantity", "price"),
        [(each, "17", 1, "1.00") for each in ids],
    )
    ingest(folder, tmp_path / "shop.db", silent)
    return Catalogue(tmp_path / "shop.db")


def test_every_confirmed_change_is_made_once_or_not_at_all(catalogue, tmp_path):
    url = f"sqlite:///{tmp_path / 'conversations.db'}"
    store = Store.open(url)
    book = OrderBook(catalogue, store.database)
    arguments = [url, str(tmp_path / "shop.db"), str(KILLS), "7"]
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    told: dict[str, str] = {}
    cut_off = 0
    with server:
        for _ in range(KILLS):
            said = json.loads(server.stdout.readline())
            told |= {words[1]: words[2] for words in said if words[0] == "told"}
            cut_off += bool(said) and said[-1][0] == "began"
            server.stdin.write("\n")
            server.stdin.flush()
    assert server.returncode == 0
    store.interrupt_running()

    turns = [turn for each in store.conversations() for turn in each.turns]
    answers = [turn for turn in turns if turn.answers]
    state = {turn.proposal.change_id: turn.proposal for turn in turns if turn.proposal}
    orders = {order.order_id: order for order in book.orders("kim", limit=None)}
    with store.database.read() as connection:
        logged = list(connection.scalars(sa.select(audit_log.c.change_id)))
    made = [turn for turn in answers if turn.status == "finished"]
    for turn in answers:
        proposal = state[turn.answers]
        order = orders[proposal.change.order_id]
        if turn.status == "finished":
            assert turn.reply.startswith("Done.")
            assert (proposal.state, order.status) == ("done", "cancelled")
        else:
            assert turn.status == "interrupted"
            assert "nothing was changed" in turn_html(turn, "en")
            if proposal.state == "proposed":
                assert order.status == "placed"
    cancelled = [order for order in orders.values() if order.status == "cancelled"]
    assert all(len([p for p in each.payments if p.kind == "refund"]) == 1 for each in cancelled)
    assert len(made) == len(cancelled) == len(logged) == len(set(logged))
    assert {turn.answers for turn in made} == set(logged)
    assert book.customer("kim").method("gift").balance == Decimal(len(cancelled))
    # Whoever was told, was told the truth; and many were killed in the middle of a yes.
    assert set(told.values()) == {"Done."}
    assert told.keys() <= {turn.turn_id for turn in made}
    assert len(made) >= KILLS / 2
    assert cut_off >= 10
    assert any(turn.status == "interrupted" for turn in answers)
    store.close()
