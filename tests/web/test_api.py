import json
import threading
import time

import httpx
import pytest

SEARCH = {"tool": "search_products", "query": "pasta"}


@pytest.fixture
def visitor(serve):
    """A browser of its own at a served session: an httpx client that keeps its cookie."""
    clients = []

    def visit(address, **headers):
        client = httpx.Client(base_url=address, headers=headers, timeout=20)
        clients.append(client)
        return client

    yield visit
    for client in clients:
        client.close()


def sign_in(client, customer_id, **options):
    """As the demo's page does: have a token signed, and come in with it."""
    token = client.post("/api/v1/sign-in/sample", json={"customer_id": customer_id}).json()["token"]
    return client.post("/api/v1/sign-in", json={"token": token}, **options)


def begin(client):
    return client.post("/api/v1/conversations", json={}).json()["conversation_id"]


def say(client, conversation, text):
    return client.post(f"/api/v1/conversations/{conversation}/messages", json={"text": text})


def told(client, conversation, until, html=False, seconds=20.0):
    """The events of a conversation, name and data, up to the first with the name `until`."""
    path = f"/api/v1/conversations/{conversation}/events"
    heard, name, end = [], "", time.monotonic() + seconds
    with client.stream("GET", path, params={"format": "html" if html else "json"}) as answer:
        for line in answer.iter_lines():
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                heard.append((name, json.loads(line[6:])))
                if name == until or until(name, heard[-1][1]) if callable(until) else name == until:
                    return heard
            assert time.monotonic() < end, heard
    raise AssertionError(f"the stream ended without it: {heard}")


def test_a_turn_is_told_as_it_happens_and_kept(serve, visitor):
    address, _, _ = serve(SEARCH, delay=0.05)
    client = visitor(address)
    conversation = begin(client)
    heard = []
    listener = threading.Thread(
        target=lambda: heard.extend(told(client, conversation, "TurnFinished"))
    )
    listener.start()
    time.sleep(0.3)
    answer = say(client, conversation, "pasta please")
    assert answer.status_code == 202
    listener.join(20)
    names = [name for name, _ in heard]
    assert names[:2] == ["conversation", "standing"]
    assert names[2:5] == ["TurnStarted", "ToolStarted", "CardsShown"]
    assert names[-1] == "TurnFinished"
    finished = heard[-1][1]["turn"]
    assert finished["turn_id"] == answer.json()["turn_id"]
    prices = {each["product"]["title"]: each["product"]["price"] for each in finished["products"]}
    assert prices["Spaghetti, 16 oz"] == 1.5
    kept = client.get(f"/api/v1/conversations/{conversation}").json()
    assert kept["turns"] == [finished]
    assert client.get("/api/v1/conversations/latest").json() == kept
    assert "key" not in json.dumps(kept), "what owns a conversation stays inside"


def test_who_comes_late_hears_what_was_missed(serve, visitor):
    address, _, _ = serve(SEARCH, delay=0.25)
    client = visitor(address)
    conversation = begin(client)
    say(client, conversation, "pasta please")
    time.sleep(0.6)
    heard = told(client, conversation, "TurnFinished")
    names = [name for name, _ in heard]
    assert names.count("TurnStarted") == 1
    assert heard[0][1]["turns"] == [], "a running turn is told by its events, not twice"
    again = told(client, conversation, "conversation")
    assert len(again[0][1]["turns"]) == 1


def test_another_browser_sees_nothing_of_it(serve, visitor):
    address, _, _ = serve(SEARCH)
    mine, theirs = visitor(address), visitor(address)
    conversation = begin(mine)
    path = f"/api/v1/conversations/{conversation}"
    assert theirs.get(path).status_code == 404
    assert theirs.get(f"{path}/events").status_code == 404
    assert say(theirs, conversation, "hello").status_code == 404
    assert theirs.post(f"{path}/stop").status_code == 404
    assert theirs.post(f"{path}/handoff").status_code == 404
    assert theirs.get("/api/v1/conversations/latest").json() is None


def test_the_cookie_is_the_only_credential_and_scripts_cannot_read_it(serve, visitor):
    address, _, _ = serve(SEARCH)
    answer = visitor(address).get("/api/v1/me")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    first = visitor(address).post("/api/v1/conversations", json={})
    assert "set-cookie" in first.headers, "a program that starts here must find its way back"


def test_a_page_of_another_site_may_not_act(serve, visitor):
    address, _, _ = serve(SEARCH)
    client = visitor(address)
    client.get("/api/v1/me")
    evil = sign_in(client, "1", headers={"Origin": "https://evil.example"})
    assert evil.status_code == 403
    assert client.get("/api/v1/me").json()["customer_id"] is None
    own = sign_in(client, "1", headers={"Origin": address})
    assert own.json() == {"customer_id": "1"}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("POST", "conversations/{c}/messages", {"text": ""}, 400, "empty"),
        ("POST", "conversations/{c}/messages", {"text": "a" * 20_480}, 400, "20,480"),
        ("POST", "conversations/{c}/messages", {"text": "\x00\x01"}, 400, "not text"),
        ("POST", "conversations/{c}/messages", {"text": 5}, 400, "text is '5'"),
        ("POST", "conversations/{c}/messages", {}, 400, "text"),
        ("GET", "conversations/nowhere", None, 404, "nowhere"),
        ("POST", "sign-in/sample", {"customer_id": "999"}, 404, "999"),
        ("POST", "sign-in", {"token": "1"}, 401, "not signed by this shop"),
        ("POST", "sign-in/code", {"address": "a@b.example"}, 400, "not set up"),
        ("PUT", "cart/999", {"quantity": 1}, 404, "999"),
        ("PUT", "cart/10", {"quantity": 1000}, 400, "1000"),
        ("PUT", "cart/10", {"quantity": "lots"}, 400, "lots"),
        ("POST", "conversations/{c}/turns/t/rating", {"rating": 5}, 400, "rating is '5'"),
    ],
)
def test_bad_input_is_one_sentence(serve, visitor, method, path, body, status, said):
    address, _, _ = serve(SEARCH)
    client = visitor(address)
    answer = client.request(method, f"/api/v1/{path.format(c=begin(client))}", json=body)
    assert answer.status_code == status
    assert said in answer.json()["error"]


def test_a_second_message_waits_for_the_first(serve, visitor):
    address, _, _ = serve(SEARCH, delay=0.3)
    client = visitor(address)
    conversation = begin(client)
    assert say(client, conversation, "pasta").status_code == 202
    assert say(client, conversation, "and bread?").status_code == 409
    told(client, conversation, "TurnFinished")
    assert say(client, conversation, "and bread?").status_code == 202


def test_stop_ends_the_turn_soon_and_keeps_what_was_seen(serve, visitor):
    address, _, _ = serve(SEARCH, delay=0.5, words=['{"opening":"' + "so " * 60 + '"}'])
    client = visitor(address)
    conversation = begin(client)
    say(client, conversation, "pasta")
    told(client, conversation, "CardsShown")
    assert client.post(f"/api/v1/conversations/{conversation}/stop").json() == {"stopped": True}
    started = time.monotonic()
    until = lambda name, data: name == "TurnFinished" or bool(data.get("turns"))  # noqa: E731
    told(client, conversation, until)
    assert time.monotonic() - started < 2
    (turn,) = client.get(f"/api/v1/conversations/{conversation}").json()["turns"]
    assert turn["status"] == "stopped"
    assert turn["products"]


def test_a_server_that_closes_stores_what_runs_as_stopped(open_session, visitor):
    from tests.web.serving import running

    session, _ = open_session(SEARCH, delay=0.5, words=['{"opening":"' + "so " * 60 + '"}'])
    with running(session) as address:
        client = visitor(address)
        conversation = begin(client)
        say(client, conversation, "pasta")
        told(client, conversation, "CardsShown")
        token = client.cookies["aisle_visit"]
    _, shopper = session.visit(token)
    (turn,) = session.conversation(shopper, conversation).turns
    assert turn.status == "stopped"
    assert turn.products


def test_rating_cart_and_person(serve, visitor):
    address, _, _ = serve(SEARCH)
    client = visitor(address)
    conversation = begin(client)
    turn_id = say(client, conversation, "pasta").json()["turn_id"]
    told(client, conversation, lambda name, data: name == "TurnFinished" or bool(data.get("turns")))
    path = f"/api/v1/conversations/{conversation}"
    assert client.post(f"{path}/turns/{turn_id}/rating", json={"rating": 1}).status_code == 200
    assert client.get(path).json()["turns"][0]["rating"] == 1
    cart = client.put("/api/v1/cart/10", json={"quantity": 3}).json()
    assert (cart["count"], cart["total"]) == (3, 4.5)
    assert client.get("/api/v1/cart").json() == cart
    assert client.post(f"{path}/handoff").json()["state"] == "waiting"


def test_a_guests_cart_comes_along_when_they_sign_in(serve, visitor):
    address, _, _ = serve(SEARCH)
    client = visitor(address)
    client.put("/api/v1/cart/10", json={"quantity": 1})
    sign_in(client, "1")
    assert client.get("/api/v1/cart").json()["count"] == 1
    assert client.get("/api/v1/me").json()["customer_id"] == "1"
    client.post("/api/v1/sign-out")
    assert client.get("/api/v1/me").json()["customer_id"] is None
    assert client.get("/api/v1/cart").json()["count"] == 0


def test_health_and_metrics(serve, visitor):
    address, session, _ = serve(SEARCH)
    client = visitor(address)
    assert client.get("/readyz").json() == {"ready": True}
    conversation = begin(client)
    say(client, conversation, "pasta")
    told(client, conversation, lambda name, data: name == "TurnFinished" or bool(data.get("turns")))
    assert 'aisle_turns_total{status="finished"} 1' in client.get("/metrics").text
    session._ready.clear()
    assert client.get("/readyz").status_code == 503


def test_an_error_nobody_foresaw_has_a_reference(serve, visitor, monkeypatch, caplog):
    address, session, _ = serve(SEARCH)
    monkeypatch.setattr(session, "cart", lambda who: 1 / 0)
    answer = visitor(address).get("/api/v1/cart")
    assert answer.status_code == 500
    reference = answer.json()["error"].rsplit(" ", 1)[1]
    assert reference in caplog.text
    assert "ZeroDivisionError" not in answer.text


def test_listeners_that_leave_are_forgotten(serve, visitor):
    address, _, _ = serve(SEARCH)
    client = visitor(address)
    conversation = begin(client)
    told(client, conversation, "conversation")
    for _ in range(50):
        if "aisle_listening 0" in client.get("/metrics").text:
            return
        time.sleep(0.1)
    raise AssertionError(client.get("/metrics").text)
