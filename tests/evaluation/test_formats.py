"""Transcript files of six makers: samples in each format, counts of the real sets, bad lines."""

import gzip
import json
import os
from collections import Counter
from pathlib import Path

import pytest

from assistant.errors import BadInput
from assistant.evaluation.formats import read_transcripts
from assistant.evaluation.formats.aisle import as_record
from assistant.evaluation.formats.bitext import INTENTS
from assistant.evaluation.transcripts import EXPECTATIONS, sample
from assistant.tools import shop_tools
from tests.evaluation.scripted import smoke_file

DATASETS = Path(os.environ.get("AISLE_DATASETS", Path(__file__).parents[3] / "shared" / "datasets"))


def dataset(name: str) -> Path:
    path = DATASETS / name
    if not path.exists():
        pytest.skip(f"{name} is not there: put the evaluation data at {DATASETS}")
    return path


def written(folder, *records, name="set.jsonl"):
    path = folder / name
    path.write_text(
        "\n".join(each if isinstance(each, str) else json.dumps(each) for each in records)
    )
    return path


AISLE = {
    "id": "t1",
    "customer_id": "1",
    "shop": None,
    "turns": [
        {"role": "assistant", "text": "Hello!"},
        {"role": "shopper", "text": "oat milk?"},
        {
            "role": "assistant",
            "text": "Here:",
            "expect": {"tools": ["search_products"], "handoff": False},
            "recorded": {
                "calls": [{"name": "search_products", "arguments": {"query": "oat milk"}}],
                "products": ["14"],
                "cart": {"14": 2},
            },
        },
        {"role": "shopper", "text": "thanks"},
    ],
}


def test_aisles_own_format(tmp_path):
    (found,) = read_transcripts(written(tmp_path, AISLE)).transcripts
    first, second = found.turns
    assert (found.transcript_id, found.customer_id) == ("t1", "1")
    assert (first.text, first.recorded.text, first.recorded.products) == (
        "oat milk?", "Here:", ("14",),
    )  # fmt: skip
    assert first.recorded.calls[0].action.arguments == {"query": "oat milk"}
    assert first.recorded.cart == {"14": 2}
    assert (second.text, dict(second.expect)) == ("thanks", {})


def test_what_is_written_is_read_back(tmp_path):
    (found,) = read_transcripts(written(tmp_path, AISLE)).transcripts
    assert read_transcripts(written(tmp_path, as_record(found))).transcripts == (found,)


def test_multiwoz_both_ways(tmp_path):
    newer = {
        "dialogue_id": "PMUL1.json",
        "services": ["hotel"],
        "turns": [
            {"speaker": "USER", "utterance": "a cheap hotel"},
            {"speaker": "SYSTEM", "utterance": "Which area?"},
            {"speaker": "USER", "utterance": "north"},
        ],
    }
    older = {"SNG1.json": {"goal": {}, "log": [{"text": "a taxi"}, {"text": "Where to?"}]}}
    (one,) = read_transcripts(written(tmp_path, [newer])).transcripts
    (two,) = read_transcripts(written(tmp_path, older)).transcripts
    assert [turn.text for turn in one.turns] == ["a cheap hotel", "north"]
    assert (one.group, one.turns[0].recorded.text) == ("hotel", "Which area?")
    assert (two.transcript_id, two.turns[0].recorded.text) == ("SNG1.json", "Where to?")


def test_plain_roles_and_texts(tmp_path):
    call = {"id": "1", "function": {"name": "lookup", "arguments": '{"q": "x"}'}}
    whole = {
        "messages": [
            {"role": "system", "content": "be kind"},
            {"role": "user", "content": "hi"},
            {"role": "user", "content": "anyone?"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "content": "found"},
            {"role": "assistant", "content": "Here."},
        ]
    }
    rows = [
        {"conversation": "b", "role": "customer", "text": "one"},
        {"conversation": "c", "role": "user", "text": "other"},
        {"conversation": "b", "role": "agent", "text": "two"},
    ]
    first, b, c = read_transcripts(written(tmp_path, whole, *rows)).transcripts
    assert first.turns[0].text == "hi\nanyone?"
    assert first.turns[0].recorded.text == "Here."
    assert first.turns[0].recorded.calls[0].action.arguments == {"q": "x"}
    assert (b.transcript_id, b.turns[0].recorded.text) == ("b", "two")
    assert (c.transcript_id, c.turns[0].text) == ("c", "other")


def test_abcd_in_its_format(tmp_path):
    record = {
        "convo_id": 7,
        "scenario": {"subflow": "return_size"},
        "original": [["agent", "Hi"], ["customer", "help"], ["action", "told"], ["agent", "ok"]],
        "delexed": [
            {"targets": ["x", "retrieve_utterance", None, [], 1]},
            {"targets": ["x", None, None, [], -1]},
            {"targets": ["x", "take_action", "notify-team", ["manager"], -1]},
            {"targets": ["x", "retrieve_utterance", None, [], 1]},
        ],
    }
    (found,) = read_transcripts(written(tmp_path, [record], name="abcd.json")).transcripts
    (turn,) = found.turns
    assert (found.group, turn.text, turn.recorded.text) == ("return_size", "help", "ok")
    assert turn.recorded.calls[0].action.tool == "notify-team"
    assert turn.expect == {"handoff": True}


def test_tau_in_both_its_formats(tmp_path):
    new = {
        "id": "x1", "task_id": "3",
        "messages": [
            {"role": "assistant", "content": "Hi!"},
            {"role": "user", "content": "return it"},
            {"role": "assistant", "content": "", "tool_calls": [
                {"name": "transfer_to_human_agents", "arguments": {"summary": "s"}}]},
            {"role": "tool", "content": "ok"},
        ],
    }  # fmt: skip
    old = {"id": "x2", "transcript": "user: hi\nassistant: None\ntool: {}\nassistant: Hello\nyou"}
    one, two = read_transcripts(written(tmp_path, new, old)).transcripts
    assert (one.group, one.turns[0].text, one.turns[0].recorded.handoff) == ("3", "return it", True)
    assert two.turns[0].recorded.text == "Hello\nyou"


def test_gzip_and_a_byte_order_mark(tmp_path):
    path = tmp_path / "set.jsonl.gz"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + json.dumps(AISLE).encode()))
    assert len(read_transcripts(path).transcripts) == 1


@pytest.mark.parametrize(
    ("line", "field", "problem"),
    [
        ("{", "", "not JSON"),
        ("7", "(record)", "is no JSON object"),
        ('{"id": "x"}', "turns", "must be a list of turns"),
        ('{"turns": []}', "turns", "holds no turn of a shopper"),
        ('{"turns": [{"role": "boss", "text": "x"}]}', "turns[1].role", "is 'boss'"),
        ('{"turns": [{"role": "shopper"}]}', "turns[1].text", "is None"),
        (
            '{"turns": [{"role": "shopper", "text": "x"},'
            ' {"role": "assistant", "expect": {"tool": []}}]}',
            "turns[2].expect.tool", "is not one of tools",
        ),
        (
            '{"turns": [{"role": "shopper", "text": "x"},'
            ' {"role": "assistant", "expect": {"handoff": "no"}}]}',
            "turns[2].expect.handoff", "is 'no', not bool",
        ),
        ('{"messages": [{"role": "ghost", "text": "x"}]}', "messages[1].role", "is 'ghost'"),
        ('{"messages": [{"role": "user", "text": 3}]}', "messages[1].text", "is 3"),
        ('{"convo_id": 1, "original": [["x", "y"]]}', "original[1]", "unknown speaker 'x'"),
        ('{"dialogue_id": "d", "log": [{"t": 1}]}', "log[1].text", "must be a text"),
        ('{"instruction": "x", "intent": "y"}', "intent", "is 'y'"),
    ],
)  # fmt: skip
def test_a_malformed_line_is_named_and_the_rest_still_read(tmp_path, line, field, problem):
    path = written(tmp_path, AISLE, line, AISLE)
    loaded = read_transcripts(path)
    assert len(loaded.transcripts) == 2
    (told,) = loaded.problems
    assert told.startswith(f"{path}, line 2: ")
    assert field in told
    assert problem in told
    assert "\n" not in told


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "cannot be read"), (b"", "hold no conversation"), (b"\xff\xfe", "cannot be read")],
)
def test_a_file_that_is_no_set_is_one_sentence(tmp_path, content, problem):
    path = tmp_path / "set.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInput, match=problem) as raised:
        read_transcripts(path)
    assert str(path) in raised.value.message


def test_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(BadInput, match="'xml' is not one of auto, aisle"):
        read_transcripts(written(tmp_path, AISLE), "xml")


def test_a_sample_is_drawn_by_group_and_seed(tmp_path):
    records = [
        {"id": f"b{n}", "instruction": f"text {n}", "intent": intent}
        for n, intent in enumerate(list(INTENTS) * 4)
    ]
    every = read_transcripts(written(tmp_path, *records)).transcripts
    chosen = sample(every, 2, seed=7)
    assert Counter(each.group for each in chosen) == dict.fromkeys(INTENTS, 2)
    assert chosen == sample(every, 2, seed=7) != sample(every, 2, seed=8)
    first_half = chosen[: len(INTENTS)]
    assert {each.group for each in first_half} == set(INTENTS), "one of each before a second"


# --- the public sets --------------------------------------------------------------------------


def test_abcds_sample_chats():
    loaded = read_transcripts(dataset("abcd/abcd_sample.json"))
    assert (len(loaded.transcripts), loaded.problems) == (3, ())
    calls = Counter(
        call.action.tool
        for chat in loaded.transcripts
        for turn in chat.turns
        for call in turn.recorded.calls
    )
    assert calls["notify-team"] == 1
    assert sum(calls.values()) == 9


def test_taus_trajectories():
    loaded = read_transcripts(dataset("tau_retail/trajectories.jsonl.gz"))
    assert (len(loaded.transcripts), loaded.problems) == (121, ())
    turns = [turn for each in loaded.transcripts for turn in each.turns]
    assert len(turns) == 721, "each message of a user is one turn"
    assert sum(len(turn.recorded.calls) for turn in turns) == 877
    assert sum(turn.recorded.handoff for turn in turns) == 8


def test_tau_benchs_few_shots():
    loaded = read_transcripts(dataset("tau_retail/tau1_fewshot_transcripts.jsonl.gz"))
    assert (len(loaded.transcripts), loaded.problems) == (40, ())


def test_bitexts_utterances():
    loaded = read_transcripts(dataset("bitext/utterances.jsonl.gz"))
    assert (len(loaded.transcripts), loaded.problems) == (2249, ())
    assert {each.group for each in loaded.transcripts} == set(INTENTS)
    groups = Counter(each.group for each in loaded.transcripts)
    assert (groups["contact_human_agent"], groups["complaint"]) == (82, 81)


def test_the_smoke_set_expects_only_tools_that_there_are():
    known = {*shop_tools(), "reply"}
    for each in read_transcripts(smoke_file()).transcripts:
        for turn in each.turns:
            assert set(turn.expect) <= set(EXPECTATIONS)
            assert set(turn.expect.get("tools", ())) <= known
