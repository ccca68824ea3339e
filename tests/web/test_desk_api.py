"""The desk's API over real sockets: who may in, what a shop's own program can do."""

import json
import threading
import time

import httpx
import pytest

from tests.web.test_api import begin, say, told

PASSWORD = "a long enough password"


@pytest.fixture
def desk(serve):
    """A served shop with staff: its address, the session, and a way to sign in."""
    address, session, _ = serve({"tool": "search_products", "query": "pasta"})
    session.desk.staff.add("Ann", PASSWORD, "agent")
    session.desk.staff.add("Bea", PASSWORD, "admin")
    clients = []

    def client(name=None, **options):
        made = httpx.Client(base_url=address, timeout=20, **options)
        clients.append(made)
        if name:
            body = {"name": name, "password": PASSWORD}
            assert made.post("/api/v1/desk/login", json=body).status_code == 200
        return made

    yield client, session
    for each in clients:
        each.close()


def wait_for(check, seconds=5.0):
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_hand_off_from_both_sides(desk):
    client, _ = desk
    shopper, ann = client(), client("Ann")
    conversation = begin(shopper)
    path = f"/api/v1/conversations/{conversation}"
    staff_path = f"/api/v1/desk/conversations/{conversation}"
    standing = shopper.post(f"{path}/handoff").json()
    assert (standing["state"], standing["place"], standing["there"]) == ("waiting", 1, True)
    assert "number 1 in line" in standing["banner"]
    heard = []
    listener = threading.Thread(
        target=lambda: heard.extend(
            told(shopper, conversation, lambda _, data: data.get("state") == "resolved")
        )
    )
    listener.start()
    wait_for(lambda: ann.get(staff_path).json()["here"])
    say(shopper, conversation, "my milk was sour")
    (entry,) = ann.get("/api/v1/desk/conversations").json()["conversations"]
    assert (entry["last"], entry["unread"], entry["mine"]) == ("my milk was sour", 1, False)
    assert ann.post(f"{staff_path}/claim").json()["colleague"] == "Ann"
    assert ann.post(f"{staff_path}/typing").status_code == 204
    assert ann.post(f"{staff_path}/notes", json={"text": "a regular"}).status_code == 201
    reply = {"text": "I am sorry.", "products": ["14"]}
    assert ann.post(f"{staff_path}/reply", json=reply).status_code == 201
    whole = ann.get(staff_path).json()
    assert [note["text"] for note in whole["notes"]] == ["a regular"]
    assert [turn["kind"] for turn in whole["turns"]] == ["message", "staff"]
    assert whole["packet"]["wants"] == "my milk was sour"
    assert ann.post(f"{staff_path}/resolve").json()["state"] == "resolved"
    listener.join(10)
    names = [name for name, _ in heard]
    assert names.count("TurnFinished") == 2
    assert ("typing", {"by": "Ann"}) in heard
    assert "a regular" not in json.dumps(heard)
    assert shopper.post(f"{path}/handoff/rating", json={"rating": 5}).json()["rating"] == 5
    export = ann.get(f"{staff_path}/export").json()
    assert export["handoffs"][0]["rating"] == 5
    found = ann.get("/api/v1/desk/search", params={"q": "sour"}).json()
    assert [each["conversation_id"] for each in found] == [conversation]


def test_the_shopper_may_go_on_with_the_assistant_or_leave_an_address(desk):
    client, _ = desk
    shopper = client()
    conversation = begin(shopper)
    path = f"/api/v1/conversations/{conversation}"
    standing = shopper.post(f"{path}/handoff").json()
    assert "Nobody is at the desk" in standing["banner"]
    assert shopper.post(f"{path}/handoff/email", json={"email": "no"}).status_code == 400
    kept = shopper.post(f"{path}/handoff/email", json={"email": "noor@example.org"}).json()
    assert "noor@example.org" in kept["banner"]
    assert shopper.delete(f"{path}/handoff").json()["state"] == "with_assistant"
    assert shopper.delete(f"{path}/handoff").status_code == 409


def routes_of(session_client):
    return session_client.get("/openapi.json").json()["paths"]


def test_without_a_session_the_desk_tells_nothing(desk):
    client, _ = desk
    stranger, ann = client(), client("Ann")
    conversation = begin(stranger)
    tried = 0
    for path, methods in routes_of(stranger).items():
        if not path.startswith("/api/v1/desk/") or path.endswith(("/login", "/logout")):
            continue
        url = path.replace("{conversation_id}", conversation).replace("{name}", "Ann")
        for method in methods:
            answer = stranger.request(method, url, json={}, params={"q": "x"})
            assert answer.status_code == 401, (method, url, answer.text)
            tried += 1
    assert tried > 15
    assert ann.get("/api/v1/desk/staff").status_code == 403
    bea = client("Bea")
    assert bea.get("/api/v1/desk/staff").status_code == 200
    for path in ("/staff/numbers", "/api/v1/desk/numbers"):
        found = [each.get(path).status_code for each in (stranger, ann, bea)]
        assert found == [401, 403, 200], path
    assert "aisle_desk_waiting 0" in stranger.get("/metrics").text
    ann.post("/api/v1/desk/logout")
    assert ann.get("/api/v1/desk/me").status_code == 401


def test_a_link_guessed_or_copied_opens_nobodys_conversation(desk):
    client, _ = desk
    shopper, other = client(), client()
    conversation = begin(shopper)
    path = f"/api/v1/conversations/{conversation}"
    for method, rest in (
        ("GET", ""),
        ("GET", "/events"),
        ("GET", "/standing"),
        ("POST", "/handoff"),
        ("DELETE", "/handoff"),
        ("POST", "/handoff/email"),
        ("POST", "/handoff/rating"),
        ("POST", "/typing"),
    ):
        body = {"email": "a@example.org", "rating": 5}
        answer = other.request(method, path + rest, json=body)
        assert answer.status_code == 404, (method, rest)
        assert conversation in answer.json()["error"]
    assert shopper.get(f"{path}/standing").json()["state"] == "with_assistant"


def test_a_shops_program_works_with_a_token_of_its_own(desk):
    client, session = desk
    token = session.desk.staff.add_token("helpdesk", "agent")
    program = client(headers={"Authorization": f"Bearer {token}"})
    shopper = client()
    conversation = begin(shopper)
    shopper.post(f"/api/v1/conversations/{conversation}/handoff")
    assert program.post("/api/v1/desk/next").json() == {"conversation_id": conversation}
    path = f"/api/v1/desk/conversations/{conversation}"
    program.post(f"{path}/reply", json={"text": "hello"})
    standing = shopper.get(f"/api/v1/conversations/{conversation}/standing").json()
    assert standing["colleague"] == "helpdesk"
    session.desk.staff.remove_token("helpdesk")
    assert program.get("/api/v1/desk/me").status_code == 401


def test_wrong_passwords_are_counted(desk):
    client, _ = desk
    stranger = client()
    codes = [
        stranger.post("/api/v1/desk/login", json={"name": "Ann", "password": "guess"}).status_code
        for _ in range(6)
    ]
    assert codes == [401] * 5 + [429]


def test_a_draft_and_products_for_a_reply(desk):
    client, _ = desk
    shopper, ann = client(), client("Ann")
    conversation = begin(shopper)
    shopper.post(f"/api/v1/conversations/{conversation}/handoff")
    path = f"/api/v1/desk/conversations/{conversation}"
    assert ann.post(f"{path}/draft").status_code == 400
    say(shopper, conversation, "do you have pasta?")
    draft = ann.post(f"{path}/draft").json()
    assert draft["text"]
    assert "10" in [each["product_id"] for each in draft["products"]]
    found = ann.get("/api/v1/desk/products", params={"q": "oat milk"}).json()
    assert "14" in [each["product_id"] for each in found]
    titles = {each["title"]: each for each in ann.get(path).json()["canned"]}
    assert titles["Return window"]["text"] == "You can return an item within 30 days."
    assert titles["Order status"]["missing"]
