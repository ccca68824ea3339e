"""Gold actions, made by the order book, reach the state that the benchmark's own tools reach."""

import copy
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from assistant.errors import BadInput
from assistant.evaluation.actions import ACTIONS, Replayer, change_of, read_tasks
from assistant.progress import silent
from assistant.shop.catalogue import Catalogue
from assistant.shop.ingest import ingest
from assistant.shop.tau2 import import_tau2, read_database
from tests.evaluation.retail_reference import NotAllowed, Retail

ROOT = Path(__file__).parents[2]
RETAIL = Path(os.environ.get("AISLE_DATASETS", ROOT / "../shared/datasets")) / "tau_retail"
needs_data = pytest.mark.skipif(
    not RETAIL.is_dir(), reason=f"no retail data at {RETAIL}; set AISLE_DATASETS"
)
SETS = {"tasks.jsonl.gz": 69, "tau1_tasks_train_dev.jsonl.gz": 281}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("retail") / "shop"
    import_tau2(RETAIL, folder, silent)
    report = ingest(folder, folder.parent / "shop.db", silent)
    assert report.rejected == {}
    return folder


@pytest.fixture(scope="module")
def replayer(shop):
    replayer = Replayer(shop, Catalogue(shop.parent / "shop.db"))
    yield replayer
    replayer.close()


@pytest.fixture(scope="module")
def source():
    return read_database(RETAIL / "db.json.gz")


def reference(db, task, *, slip=False):
    """The final orders and users of the task's customers, and the actions that were refused."""
    retail = Retail({"products": db["products"], "users": {}, "orders": {}}, slip=slip)
    for _, given in task.actions:
        user = given.get("user_id") or db["orders"].get(given.get("order_id"), {}).get("user_id")
        if user and user not in retail.db["users"]:
            retail.db["users"][user] = copy.deepcopy(db["users"][user])
            for order_id in db["users"][user]["orders"]:
                retail.db["orders"][order_id] = copy.deepcopy(db["orders"][order_id])
    refused = []
    for name, given in task.actions:
        try:
            retail.call(name, given)
        except NotAllowed:
            refused.append((name, given.get("order_id", "")))
    return db["users"] | retail.db["users"], db["orders"] | retail.db["orders"], refused


@needs_data
def test_what_was_imported_is_written_back_as_it_was(replayer, source):
    assert replayer.untouched == source


@needs_data
@pytest.mark.parametrize(("name", "count"), SETS.items())
def test_every_task_reaches_the_state_that_the_benchmark_s_rules_lead_to(
    replayer, source, name, count
):
    tasks = read_tasks(RETAIL / name)
    assert len(tasks) == count
    for task in tasks:
        state, refused = replayer.replay(task)
        users, orders, not_allowed = reference(source, task)
        assert state["users"] == users, task.task_id
        assert state["orders"] == orders, task.task_id
        # An address that is there already is refused with a word; the state is the same.
        mine = [(each.action, each.order_id) for each in refused if each.rule != "same_address"]
        assert mine == not_allowed, task.task_id


@needs_data
@pytest.mark.parametrize(("name", "count"), [("tasks.jsonl.gz", 4), (list(SETS)[1], 22)])
def test_only_items_modified_together_differ_from_tau2_s_own_tool(replayer, source, name, count):
    differing = 0
    for task in read_tasks(RETAIL / name):
        users, orders, _ = reference(source, task, slip=True)
        state, _ = replayer.replay(task)
        others = [each for each, order in orders.items() if order != state["orders"][each]]
        differing += bool(others)
        for order_id in others:
            assert orders[order_id]["status"] == "pending (item modified)"
            mine = state["orders"][order_id]
            assert {**mine, "items": []} == {**orders[order_id], "items": []}
        state, _ = replayer.replay(task, as_tau2=True)
        assert state["users"] == users
        assert to_the_cent(state["orders"]) == to_the_cent(orders)
    assert differing == count


def to_the_cent(orders):
    """Those orders whose payments a task could have changed, sums of binary floats rounded."""
    return {
        order_id: order
        | {
            "payment_history": [
                each | {"amount": round(each["amount"], 2)} for each in order["payment_history"]
            ]
        }
        for order_id, order in orders.items()
        if len(order["payment_history"]) > 1
    }


@needs_data
def test_the_script_writes_each_final_state_and_a_summary(shop, tmp_path):
    tasks = tmp_path / "tasks.jsonl"
    cancel = {
        "name": "cancel_pending_order",
        "arguments": {"order_id": "#W9348897", "reason": "bored"},
    }
    tasks.write_text(json.dumps({"id": "a/b", "actions": [cancel]}) + "\n")
    script = [sys.executable, "scripts/replay_actions.py"]
    ran = subprocess.run(
        [*script, shop, tasks, tmp_path / "out"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=True,
    )
    assert json.loads(ran.stdout) == {
        "tasks": 1, "writes": 1, "tasks_with_a_refusal": 1, "refused": 1,
    }  # fmt: skip
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["refused"][0]["rule"] == "reason"
    assert set(read_database(tmp_path / "out" / "a_b.json.gz")) == {"products", "users", "orders"}
    tasks.write_text("{}\n")
    ran = subprocess.run(
        [*script, shop, tasks, tmp_path / "out"],
        capture_output=True, text=True, cwd=ROOT, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert ran.returncode == 2
    assert "tasks.jsonl', line 1" in ran.stderr


def test_items_without_a_partner_are_named():
    with pytest.raises(BadInput, match="2 items and 1 new ones"):
        change_of("modify_pending_order_items", {"item_ids": ["1", "2"], "new_item_ids": ["3"]})
    assert change_of("get_order_details", {"order_id": "#W1"}) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [("[", "cannot be read as JSON"), ("{}", "holds no 'products'"),
        ('{"products": {"1": {}}, "users": {}}', "holds no 'users'"),
     ('{"products": {"1": {}}, "users": {"u": {}}, "orders": {"o": {}}}', "retail database")],
)  # fmt: skip
def test_a_database_that_is_none_is_one_sentence(tmp_path, text, said):
    (tmp_path / "db.json").write_text(text)
    with pytest.raises(BadInput, match=said):
        import_tau2(tmp_path, tmp_path / "shop", silent)
    with pytest.raises(BadInput, match=r"holds no db\.json"):
        import_tau2(tmp_path / "absent", tmp_path / "shop", silent)


@needs_data
def test_the_policy_is_the_help_and_its_rules_are_in_shop_toml(shop):
    catalogue = Catalogue(shop.parent / "shop.db")
    cancel = catalogue.article("cancel-pending-order")
    assert cancel.title == "Cancel pending order"
    assert any("in 5 to 7 business days" in each for each in cancel.sentences)
    toml = (shop / "shop.toml").read_text()
    assert toml.count("5 to 7") == 1
    assert (shop / "help" / "cancel-pending-order.md").read_text().count("5 to 7") == 0
    rules = catalogue.info.order_rules()
    articles = {each.article_id for each in catalogue.articles()}
    for kind in ACTIONS.values():
        assert rules.article(kind) in articles
    order = catalogue.article("order").sentences
    assert order[0].endswith("fullfilments info (tracking id and item ids); payment history.")
    shirt = catalogue.product("9612497925")
    assert shirt.title == "T-Shirt, blue, M, cotton, crew neck"
    assert {each.variant_of for each in catalogue.variants(shirt)} == {"9523456873"}
    assert len(catalogue.variants(shirt)) == 12
