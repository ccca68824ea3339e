"""What every language model must do, whatever runs it."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from assistant.errors import ModelError, WeightsError
from assistant.llm.base import LanguageModel, Message
from assistant.llm.llamacpp import LlamaCppModel
from assistant.llm.models import local_path
from assistant.llm.server import ServerModel
from assistant.llm.transformers import TransformersModel
from assistant.progress import silent
from assistant.settings import Settings
from tests.llm.fakes import save_tiny_chat

SYSTEM = Message("system", "You are a shop assistant. w1 w2 w3")
COUNT = [SYSTEM, Message("user", "Count from 1 to 500, one number a line. w4 w5")]
DECIDE, STREAM = 0, 1


@dataclass(frozen=True)
class Subject:
    """A model under the contract: `decides` is false for random weights, which write no JSON."""

    model: LanguageModel
    again: Callable[[], LanguageModel]
    decides: bool = True

    def read(self, text):
        return json.loads(text) if self.decides else text


@pytest.fixture(scope="module")
def weights():
    try:
        return local_path("smollm2-135m", Settings().cache_folder)
    except WeightsError as error:
        pytest.skip(error.message)


@pytest.fixture(scope="module")
def llamacpp(weights, tmp_path_factory):
    prefixes = tmp_path_factory.mktemp("prefixes")
    model = LlamaCppModel(weights, threads=1, prefix_folder=prefixes)
    # xllamacpp can wait for ever in a server that is closed before its loop has begun.
    model.warm([[SYSTEM]], silent)
    yield Subject(model, lambda: LlamaCppModel(weights, threads=1, prefix_folder=prefixes))
    model.close()


@pytest.fixture(scope="module")
def server(llamacpp):
    """The same weights through the OpenAI-compatible endpoint that llama.cpp opens."""
    url, key = f"{llamacpp.model._server.listening_address}/v1", llamacpp.model._key
    model = ServerModel(url, "smollm2", key=key)
    yield Subject(model, lambda: ServerModel(url, "smollm2", key=key))
    model.close()


@pytest.fixture(scope="module")
def transformers(tmp_path_factory):
    folder = str(save_tiny_chat(tmp_path_factory.mktemp("tiny")))
    model = TransformersModel(folder)
    yield Subject(model, lambda: TransformersModel(folder), decides=False)
    model.close()


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("llamacpp", marks=pytest.mark.model),
        pytest.param("server", marks=pytest.mark.model),
        "transformers",
    ],
)
def subject(request):
    return request.getfixturevalue(request.param)


def asking(words):
    return [SYSTEM, Message("user", words)]


def exactly(**fields):
    """A schema under which there is one answer."""
    properties = {name: {"const": value} for name, value in fields.items()}
    return {
        "type": "object",
        "properties": properties,
        "required": list(fields),
        "additionalProperties": False,
    }


SEARCH = {
    "type": "object",
    "properties": {
        "tool": {"enum": ["search_products", "search_help"]},
        "query": {"type": "string", "minLength": 1, "maxLength": 24},
    },
    "required": ["tool", "query"],
    "additionalProperties": False,
}


def test_it_has_a_name_and_a_wording(subject):
    assert subject.model.name
    assert subject.model.checksum is not None
    assert subject.model.wording in ("quote", "lead_in", "paraphrase")


def test_a_decision_is_valid_under_its_schema(subject):
    if not subject.decides:
        with pytest.raises(ModelError, match=r"gave no valid decision: \w+"):
            subject.model.decide(asking("w1 w2"), SEARCH, max_tokens=20)
        return
    decision = subject.model.decide(asking("I would like some oat milk"), SEARCH)
    assert decision["tool"] in ("search_products", "search_help")
    assert 1 <= len(decision["query"]) <= 24
    assert set(decision) == {"tool", "query"}


def test_a_stream_comes_in_pieces_and_in_order(subject):
    words = "w7 one two three four five six seven"
    pieces = list(subject.model.stream(asking(words), schema=exactly(said=words)))
    assert len(pieces) > 3
    assert all(pieces)
    if subject.decides:
        assert json.loads("".join(pieces)) == {"said": words}


def test_the_same_question_has_the_same_answer(subject):
    first, second = (list(subject.model.stream(COUNT, max_tokens=24)) for _ in range(2))
    assert "".join(first) == "".join(second) != ""


def test_a_stream_stops_soon_after_it_is_cancelled(subject):
    cancel = threading.Event()
    after = 0
    for n, _ in enumerate(subject.model.stream(COUNT, max_tokens=1500, cancel=cancel)):
        if n == 3:
            cancel.set()
            cancelled = time.monotonic()
        after += cancel.is_set()
    assert cancel.is_set()
    assert after <= 3
    assert time.monotonic() - cancelled < 1


def test_a_stream_that_is_left_leaves_the_model_free(subject):
    stream = subject.model.stream(COUNT, max_tokens=1500)
    next(stream)
    stream.close()
    started = time.monotonic()
    assert list(subject.model.stream(COUNT, max_tokens=4))
    assert time.monotonic() - started < 5


def test_what_is_cancelled_before_it_starts_gives_nothing(subject):
    cancel = threading.Event()
    cancel.set()
    assert list(subject.model.stream(COUNT, max_tokens=1500, cancel=cancel)) == []
    with pytest.raises(ModelError):
        subject.model.decide(COUNT, SEARCH, cancel=cancel)


def test_two_threads_at_once_do_not_mix(subject):
    words = ("w11 apples and pears", "w99 bread and butter")

    def stream(said):
        return subject.read(
            "".join(subject.model.stream(asking(said), schema=exactly(said=said), max_tokens=40))
        )

    alone = [stream(said) for said in words]
    together = {}

    def run(n):
        together[n] = stream(words[n % 2])

    threads = [threading.Thread(target=run, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert alone[0] != alone[1]
    assert [together[n] for n in range(4)] == alone * 2


def test_usage_counts_what_was_read_and_written(subject):
    list(subject.model.stream(COUNT, max_tokens=8))
    first = subject.model.last_usage[STREAM]
    assert 1 <= first.written <= 8
    assert first.read + first.cached > len(COUNT)
    list(subject.model.stream(COUNT, max_tokens=8))
    second = subject.model.last_usage[STREAM]
    assert second.read + second.cached == first.read + first.cached
    assert min(second.read, second.cached) >= 0


def test_warming_reports_its_progress_to_the_end(subject):
    seen = []
    subject.model.warm([[SYSTEM], [SYSTEM]], lambda *step: seen.append(step))
    assert [done for _, done, _ in seen] == [0, 1, 2]
    subject.model.warm([], silent)


def test_nothing_to_answer_is_an_error(subject):
    with pytest.raises(ModelError, match="the list of messages is empty"):
        list(subject.model.stream([]))
    with pytest.raises(ModelError, match="the list of messages is empty"):
        subject.model.decide([], SEARCH)


def test_a_closed_model_says_so(subject):
    model = subject.again()
    assert list(model.stream(COUNT, max_tokens=2))
    model.close()
    model.close()
    with pytest.raises(ModelError, match="the language model is closed"):
        list(model.stream(COUNT))
    with pytest.raises(ModelError, match="the language model is closed"):
        model.decide(COUNT, SEARCH)
