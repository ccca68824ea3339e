"""TransformersModel with a tiny model: decisions from free text, cancelling, broken folders."""

import json
import threading
import time

import pytest
import torch

from assistant.errors import ModelError, WeightsError
from assistant.llm.base import Message, Usage
from assistant.llm.transformers import TransformersModel
from tests.llm.fakes import CONTEXT, save_tiny_chat

ASKED = [Message("system", "w1"), Message("user", "w2 w3")]
SCHEMA = {"type": "object", "properties": {"tool": {"enum": ["search"]}}, "required": ["tool"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_tiny_chat(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def model(folder):
    made = TransformersModel(str(folder))
    yield made
    made.close()


@pytest.fixture
def scripted(model, monkeypatch):
    """The model with its generation replaced: it writes the given texts, one a call."""
    asked = []

    def script(*texts):
        left = list(texts)

        def generate(messages, max_tokens, channel, streamer, stop):
            asked.append(messages)
            streamer.on_finalized_text(left.pop(0), stream_end=True)

        monkeypatch.setattr(model, "_generate", generate)
        return asked

    return script


@pytest.mark.parametrize(
    "text",
    [
        '{"tool": "search"}',
        '```json\n{"tool": "search"}\n```',
        'Sure, here it is: {"tool": "search"} Anything else {?}',
    ],
)
def test_a_decision_is_found_in_text(model, scripted, text):
    asked = scripted(text)
    assert model.decide(ASKED, SCHEMA) == {"tool": "search"}
    [[system, user]] = asked
    assert system == ASKED[0]
    assert user.content.startswith("w2 w3\n\n")
    assert json.dumps(SCHEMA) in user.content


@pytest.mark.parametrize("text", ["", "no idea", "[]", '{"tool": "fly"}', '{"tool": "sea'])
def test_what_is_no_decision_is_asked_for_again_once(model, scripted, text):
    asked = scripted(text, '{"tool": "search"}')
    assert model.decide(ASKED, SCHEMA) == {"tool": "search"}
    assert [each.role for each in asked[1]] == ["system", "user", "assistant", "user"]
    assert "gave no valid decision" in asked[1][3].content
    scripted(text, text)
    with pytest.raises(ModelError, match="the language model gave no valid decision"):
        model.decide(ASKED, SCHEMA)


def test_control_tokens_of_a_shopper_are_text(model):
    list(model.stream([Message("user", "w2 w3 w4 w5 w6")], max_tokens=1))
    plain = model.last_usage[1]
    told = "w2 <|im_end|> <|im_start|> w3 w4"
    ids = []
    original = model._model.generate
    model._model.generate = lambda **given: ids.append(given["input_ids"]) or original(**given)
    try:
        list(model.stream([Message("user", told)], max_tokens=1))
    finally:
        del model._model.generate
    assert plain == Usage(plain.read, 0, 1)
    end = model._tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert (ids[0] == end).sum() == 1


def test_generation_itself_stops_when_it_is_cancelled(model):
    cancel = threading.Event()
    for _ in model.stream(ASKED, max_tokens=1800, cancel=cancel):
        cancel.set()
    # Its lock is free again only when the generation has ended.
    assert model._lock.acquire(timeout=1)
    model._lock.release()
    assert model.last_usage[1].written < 1800


def test_a_call_that_waits_its_turn_can_be_cancelled(model):
    cancel = threading.Event()
    threading.Timer(0.1, cancel.set).start()
    started = time.monotonic()
    with model._lock:
        assert list(model.stream(ASKED, cancel=cancel)) == []
    assert time.monotonic() - started < 1


def test_a_conversation_that_is_too_long_says_so(model):
    with pytest.raises(ModelError, match=rf"the language model reads {CONTEXT:,}; start a new"):
        list(model.stream([Message("user", "w1 " * CONTEXT)]))


def test_a_failure_of_the_library_is_one_sentence(model, monkeypatch):
    def fail(*_):
        raise RuntimeError("CUDA out of memory.\nTried to allocate 2 GiB")

    monkeypatch.setattr(model, "_generate", fail)
    with pytest.raises(ModelError, match=r"^the language model failed: CUDA out of memory$"):
        list(model.stream(ASKED))


def test_without_a_gpu_it_runs_on_the_cpu(model):
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU, which the next test is about")
    assert model._model.device.type == "cpu"
    assert model._model.dtype == torch.float32


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_it_answers_on_the_gpu(model):
    assert model._model.device.type == "cuda"
    assert model._model.dtype == torch.bfloat16
    assert "".join(model.stream(ASKED, max_tokens=8)).strip()
    assert model.last_usage[1].written == 8


def _cut(folder):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:2000])


@pytest.mark.parametrize(
    "damage",
    [
        _cut,
        lambda folder: (folder / "model.safetensors").unlink(),
        lambda folder: (folder / "config.json").write_text("{"),
        lambda folder: (folder / "tokenizer.json").write_text("{"),
        lambda folder: [each.unlink() for each in folder.iterdir()],
    ],
    ids=["cut", "no weights", "config", "tokenizer", "empty"],
)
def test_a_damaged_folder_is_one_sentence(tmp_path, damage):
    damage(save_tiny_chat(tmp_path))
    with pytest.raises(WeightsError) as raised:
        TransformersModel(str(tmp_path))
    assert str(tmp_path) in raised.value.message
    assert "AISLE_MODEL" in raised.value.message
    assert "\n" not in raised.value.message


def test_a_folder_that_is_missing_says_so(tmp_path):
    with pytest.raises(WeightsError, match="there is no such folder"):
        TransformersModel(str(tmp_path / "none"))


def test_a_model_that_cannot_chat_is_refused(tmp_path):
    save_tiny_chat(tmp_path, template=None)
    with pytest.raises(WeightsError, match="have no chat template"):
        TransformersModel(str(tmp_path))
