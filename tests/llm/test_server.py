"""ServerModel against a scripted endpoint: what goes over the wire, and how it can fail."""

import json
import logging
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from assistant.errors import BadInput, ModelError
from assistant.llm.base import Message, Usage
from assistant.llm.server import ServerModel

ASKED = [Message("system", "Decide."), Message("user", "milk")]
SCHEMA = {"type": "object", "properties": {"tool": {"enum": ["search"]}}, "required": ["tool"]}
KEY = "sk-very-secret"


def refuses(status, message="it said no"):
    def answer(handler):
        body = json.dumps({"error": {"message": message}}).encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def events(*data, kind="text/event-stream", length=None):
    """An answer of these lines of data; with a length it promises more than it sends."""

    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        if length:
            handler.send_header("Content-Length", str(length))
        handler.end_headers()
        for each in data:
            text = each if isinstance(each, str) else json.dumps(each, ensure_ascii=False)
            handler.wfile.write(f"data: {text}\n\n".encode())

    return answer


def delta(text):
    return {"choices": [{"delta": {"content": text}, "finish_reason": None}]}


def says(*texts):
    usage = {"prompt_tokens": 30, "completion_tokens": len(texts)}
    cached = {"prompt_tokens_details": {"cached_tokens": 20}}
    return events(
        {"choices": [{"delta": {"role": "assistant", "content": None}}]},
        *(delta(text) for text in texts),
        {"choices": [{"delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "usage": {**usage, **cached}},
        "[DONE]",
    )


class Endpoint(ThreadingHTTPServer):
    """Gives its scripted answers one after the other and keeps what it was asked."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.requests = [], []
        self.url = f"http://127.0.0.1:{self.server_port}/v1"

    def script(self, *answers):
        self.answers = list(answers)


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.path, dict(self.headers), json.loads(body)))
        self.server.answers.pop(0)(self)

    def log_message(self, *_):
        pass


@pytest.fixture
def endpoint():
    server = Endpoint()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def model(endpoint):
    made = ServerModel(endpoint.url, "tiny", key=KEY, timeout=2)
    yield made
    made.close()


def test_a_decision_is_asked_for_with_its_schema(endpoint, model):
    endpoint.script(says('{"tool"', ':"search"}'))
    assert model.decide(ASKED, SCHEMA, max_tokens=40) == {"tool": "search"}
    [(path, headers, body)] = endpoint.requests
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert body["messages"][1] == {"role": "user", "content": "milk"}
    assert (body["model"], body["max_tokens"], body["temperature"]) == ("tiny", 40, 0)
    rule = {"name": "answer", "schema": SCHEMA, "strict": True}
    assert body["response_format"] == {"type": "json_schema", "json_schema": rule}
    assert model.last_usage[0] == Usage(10, 20, 2)


def test_text_with_an_odd_line_end_in_it_stays_whole(endpoint, model):
    endpoint.script(says("oat\u2028milk", " 牛奶", "\x85"))
    assert list(model.stream(ASKED)) == ["oat\u2028milk", " 牛奶", "\x85"]


def test_an_answer_that_is_not_valid_is_repaired_once(endpoint, model):
    endpoint.script(says('{"tool":"fly"}'), says('{"tool":"search"}'))
    assert model.decide(ASKED, SCHEMA) == {"tool": "search"}
    *_, answered, told = endpoint.requests[1][2]["messages"]
    assert answered == {"role": "assistant", "content": '{"tool":"fly"}'}
    assert "'fly' is not one of ['search']" in told["content"]
    endpoint.script(says("no"), says("still no"))
    with pytest.raises(ModelError, match="gave no valid decision"):
        model.decide(ASKED, SCHEMA)
    assert len(endpoint.requests) == 4


@pytest.mark.parametrize("status", [400, 422])
def test_a_server_that_refuses_schemas_gets_them_in_words(endpoint, model, status):
    no = refuses(status, "response_format is not supported")
    endpoint.script(no, says("Sure: {}"), no, says('```json\n{"tool": "search"}\n```'))
    assert model.decide(ASKED, SCHEMA) == {"tool": "search"}
    plain = endpoint.requests[1][2]
    assert "response_format" not in plain
    assert [each["role"] for each in plain["messages"]] == ["system", "user"]
    assert json.dumps(SCHEMA) in plain["messages"][1]["content"]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, ["refuses the request (400: it said no", "AISLE_MODEL_URL"]),
        (401, ["refuses the key (401)", "AISLE_MODEL_KEY"]),
        (403, ["refuses the key (403)", "AISLE_MODEL_KEY"]),
        (404, ["knows no model 'tiny' (404: it said no", "AISLE_MODEL"]),
        (429, ["has no capacity left (429: it said no", "wait"]),
        (500, ["failed (500: it said no", "log"]),
        (503, ["failed (503: it said no", "log"]),
    ],
)
def test_a_refusal_is_one_sentence_without_the_key(endpoint, model, caplog, status, words):
    caplog.set_level(logging.DEBUG)
    endpoint.script(refuses(status, f"it said no\nto {KEY}."))
    with pytest.raises(ModelError) as raised:
        list(model.stream(ASKED))
    message = raised.value.message
    assert all(word in message for word in [endpoint.url, *words])
    assert KEY not in message
    assert KEY not in caplog.text
    assert "\n" not in message


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (events(delta("oat"), "{"), "sent an event that is no chat completion"),
        (events(delta("oat"), "[1]"), "sent an event that is no chat completion"),
        (events(delta("oat"), {"error": {"message": "out of memory"}}), "failed (out of memory)"),
        (events(delta("oat")), "broke off its answer"),
        (events(delta("oat"), length=9999), "broke off its answer"),
    ],
)
def test_a_stream_that_fails_gives_what_came_before(endpoint, model, answer, words):
    endpoint.script(answer)
    stream = model.stream(ASKED)
    assert next(stream) == "oat"
    with pytest.raises(ModelError) as raised:
        next(stream)
    assert words in raised.value.message
    assert endpoint.url in raised.value.message


def test_a_page_is_no_endpoint(endpoint, model):
    endpoint.script(events(kind="text/html"))
    with pytest.raises(ModelError, match="answered with text/html, not with a stream; set AISLE"):
        list(model.stream(ASKED))


def test_an_end_without_done_is_an_end(endpoint, model):
    endpoint.script(events(delta("oat"), {"choices": [{"delta": {}, "finish_reason": "length"}]}))
    assert list(model.stream(ASKED)) == ["oat"]


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    model = ServerModel(url, "tiny", key=KEY)
    with pytest.raises(ModelError) as raised:
        model.decide(ASKED, SCHEMA)
    model.close()
    assert f"the language model at {url} cannot be reached" in raised.value.message
    assert "start that server" in raised.value.message


def test_a_server_that_is_silent_is_given_up(endpoint):
    done = threading.Event()
    endpoint.script(lambda handler: done.wait(5))
    model = ServerModel(endpoint.url, "tiny", timeout=0.2)
    with pytest.raises(ModelError, match=r"was silent for 0\.2 seconds"):
        list(model.stream(ASKED))
    done.set()
    model.close()


def test_a_cancelled_stream_is_closed_at_the_server(endpoint, model):
    closed = threading.Event()

    def forever(handler):
        events()(handler)
        try:
            while True:
                handler.wfile.write(f"data: {json.dumps(delta('oat '))}\n\n".encode())
                time.sleep(0.01)
        except OSError:
            closed.set()

    endpoint.script(forever)
    cancel = threading.Event()
    for _ in model.stream(ASKED, cancel=cancel):
        cancel.set()
    assert closed.wait(2)


def test_cancel_does_not_wait_for_a_server_that_reads(endpoint, model):
    done, cancel = threading.Event(), threading.Event()
    endpoint.script(lambda handler: done.wait(5))
    threading.Timer(0.1, cancel.set).start()
    started = time.monotonic()
    assert list(model.stream(ASKED, cancel=cancel)) == []
    assert time.monotonic() - started < 1
    done.set()


@pytest.mark.parametrize(
    "url", ["", "here", "ftp://shop/v1", "http://", "http://shop:port/v1", "/v1"]
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(BadInput, match="AISLE_MODEL_URL"):
        ServerModel(url, "tiny")


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("http://user:hunter2@shop/v1", ""),
        ("http://shop/v1", "hunter2\nX: y"),
        ("http://shop", "hunter2é"),
    ],
)
def test_a_secret_that_cannot_be_used_is_not_shown(url, key):
    with pytest.raises(BadInput) as raised:
        ServerModel(url, "tiny", key=key)
    assert "hunter2" not in raised.value.message


def test_a_query_is_sent_but_not_shown(endpoint):
    endpoint.script(refuses(500))
    model = ServerModel(f"{endpoint.url}/?token=hunter2", "tiny")
    with pytest.raises(ModelError) as raised:
        list(model.stream(ASKED))
    model.close()
    assert endpoint.requests[0][0] == "/v1/chat/completions?token=hunter2"
    assert "hunter2" not in raised.value.message
