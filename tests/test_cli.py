"""The command line with input that cannot be used: one sentence, exit code 2, nothing lost."""

import json
import shutil
import socket

import pytest

from tests.tinyapp import tiny_home


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Taken in and trained, but not indexed: a setup that was interrupted."""
    return tiny_home(tmp_path_factory.mktemp("home")).home


def refused(result, *words):
    code, out, err = result
    assert code == 2
    assert out == ""
    assert err.startswith("aisle: ")
    assert err.count("\n") == 1, "one sentence, no traceback"
    for word in words:
        assert word in err
    return True


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("", "the message is empty"),
        (" \n\t ", "the message is empty"),
        ("a" * 20_480, "20,480 characters"),
        ("\x00\x01\x02", "not text"),
        (b"\xff\xfe\x00".decode("utf-8", "surrogateescape"), "not text"),
    ],
    ids=["empty", "blank", "20 kB", "binary", "not UTF-8"],
)
def test_a_message_that_is_none(aisle, message, words):
    assert refused(aisle("chat", "--message", message, "--json"), words)


def test_a_customer_who_does_not_exist(aisle, home):
    """Named before a model is loaded or an index is opened."""
    assert refused(aisle("chat", "--home", home, "--customer", "99", "--message", "hi"), "'99'")


@pytest.mark.parametrize(
    "command", [["chat", "--message", "hi"], ["serve"], ["search", "pasta"], ["recommend"]]
)
def test_a_home_that_is_missing(aisle, tmp_path, command):
    gone = tmp_path / "nowhere"
    assert refused(aisle(*command, "--home", gone), str(gone), "aisle setup")
    assert not gone.exists(), "a question makes no home"


def test_a_home_that_is_half_written(aisle, home, tmp_path):
    assert refused(aisle("search", "pasta", "--home", home), "index", "aisle setup")
    torn = shutil.copytree(home, tmp_path / "torn")
    whole = (torn / "shop.db").read_bytes()
    (torn / "shop.db").write_bytes(whole[: len(whole) // 3])
    assert refused(aisle("chat", "--message", "hi", "--home", torn), "shop.db", "aisle setup")


def test_a_port_that_is_taken(aisle, home):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert refused(aisle("serve", "--home", home, "--port", port), str(port), "in use")


@pytest.mark.parametrize(
    ("name", "value"),
    [("AISLE_PORT", "eighty"), ("AISLE_BACKEND", "magic"), ("AISLE_MAX_STEPS", "0")],
)
def test_a_setting_that_is_wrong(aisle, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    assert refused(aisle("model", "list"), name, value)


def test_a_model_that_nobody_knows(aisle):
    assert refused(aisle("model", "fetch", "gpt-17"), "'gpt-17'")


def test_weights_that_are_corrupt(aisle, monkeypatch, tmp_path):
    weights = tmp_path / "weights.gguf"
    weights.write_bytes(b"<!DOCTYPE html>")
    from assistant.app import load_model
    from assistant.errors import WeightsError
    from assistant.settings import read_settings

    with pytest.raises(WeightsError) as raised:
        load_model(read_settings(model=str(weights)))
    assert str(weights) in raised.value.message


def test_json_is_one_document_and_nothing_else(aisle, home):
    code, out, _ = aisle("ingest", home / "shop", "--home", home, "--json")
    assert code == 0
    assert json.loads(out)["kept"]["products"] == 13


def test_a_file_of_sequences_that_is_none(aisle, tmp_path):
    path = tmp_path / "sequences.txt"
    path.write_text("1 10 11 12\n2 13\n")
    assert refused(aisle("evaluate", "sequences", path), "line 2", "1 items")
    assert refused(aisle("evaluate", "sequences", tmp_path / "nowhere.txt"), "nowhere.txt")
    assert refused(aisle("evaluate", "sequences", path, "--minutes", 1), "--checkpoint")


def test_sequences_are_learned_and_tested(aisle, tmp_path):
    path = tmp_path / "sequences.txt"
    path.write_text(
        "\n".join(f"{n} {n % 5} {n % 5 + 1} {n % 5 + 2} {n % 5 + 3}" for n in range(40))
    )
    code, out, _ = aisle("evaluate", "sequences", path, "--epochs", 1, "--dim", 8, "--json")
    assert code == 0
    document = json.loads(out)
    assert document["users"] == 40
    assert document["test"]["recall@10"]["mean"] == 1.0, "there are eight items"
