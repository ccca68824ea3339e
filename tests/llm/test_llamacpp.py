"""LlamaCppModel: files that are no weights, and what its slots remember."""

import pytest

from assistant.errors import WeightsError
from assistant.llm.base import Message
from assistant.llm.llamacpp import LlamaCppModel
from assistant.llm.models import local_path
from assistant.progress import silent
from assistant.settings import Settings

STATIC = Message("system", " ".join(f"Rule {n}: be kind to shopper {n}." for n in range(40)))
SCHEMA = {
    "type": "object",
    "properties": {"tool": {"enum": ["search", "reply"]}},
    "required": ["tool"],
    "additionalProperties": False,
}
DECIDE, STREAM = 0, 1


@pytest.fixture(scope="module")
def weights():
    try:
        return local_path("smollm2-135m", Settings().cache_folder)
    except WeightsError as error:
        pytest.skip(error.message)


@pytest.fixture(scope="module")
def prefixes(tmp_path_factory):
    return tmp_path_factory.mktemp("prefixes")


@pytest.fixture(scope="module")
def model(weights, prefixes):
    made = LlamaCppModel(weights, threads=1, prefix_folder=prefixes)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read (No such file or directory)"),
        (b"", "are no GGUF file"),
        (b"<!DOCTYPE html>", "are no GGUF file"),
        (b"GGUF", "cannot be loaded"),
        (b"GGUF\x03\0\0\0" + b"\xff" * 4096, "cannot be loaded"),
    ],
)
def test_what_is_no_model_is_one_sentence(tmp_path, content, words):
    path = tmp_path / "model.gguf"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError) as raised:
        LlamaCppModel(path)
    assert raised.value.message.startswith(f"the weights {str(path)!r} ")
    assert words in raised.value.message
    assert "aisle model fetch" in raised.value.message
    assert "\n" not in raised.value.message


@pytest.mark.model
def test_a_model_that_was_cut_off_is_one_sentence(weights, tmp_path):
    path = tmp_path / "cut.gguf"
    with weights.open("rb") as file:
        path.write_bytes(file.read(4 << 20))
    with pytest.raises(WeightsError, match="cannot be loaded") as raised:
        LlamaCppModel(path)
    assert "\n" not in raised.value.message


@pytest.mark.model
def test_a_second_decision_reads_only_its_new_words(model):
    model.decide([STATIC, Message("user", "milk")], SCHEMA)
    first = model.last_usage[DECIDE]
    model.decide([STATIC, Message("user", "bread and butter")], SCHEMA)
    second = model.last_usage[DECIDE]
    assert first.read + first.cached > 300
    assert second.read < 30
    assert second.cached > 300


@pytest.mark.model
def test_wording_does_not_push_a_decision_out_of_its_cache(model):
    asked = [STATIC, Message("user", "milk")]
    model.decide(asked, SCHEMA)
    list(model.stream([Message("system", "Say hello."), Message("user", "hi")], max_tokens=8))
    model.decide(asked, SCHEMA)
    assert model.last_usage[DECIDE].read < 30


@pytest.mark.model
def test_static_prompts_are_kept_on_disk_between_starts(model, weights, prefixes):
    prompts = [[STATIC], [Message("system", "Say hello. " * 100)]]
    model.warm(prompts, silent)
    assert len(list(prefixes.glob("*.bin"))) == 2
    again = LlamaCppModel(weights, threads=1, prefix_folder=prefixes)
    again.warm(prompts, silent)
    assert again.last_usage == {}
    again.decide([STATIC, Message("user", "milk")], SCHEMA)
    again.close()
    assert again.last_usage[DECIDE].read < 30


@pytest.mark.model
def test_warming_without_a_folder_only_reads(weights):
    made = LlamaCppModel(weights, threads=1)
    try:
        made.warm([[STATIC]], silent)
    finally:
        made.close()
