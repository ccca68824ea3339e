"""Notices over a real socket: signed, tried again, never twice to the same ear."""

import contextlib
import http.server
import json
import threading
from datetime import UTC, datetime, timedelta

import pytest

from assistant.desk.desk import Rules
from assistant.desk.notices import Channels, Notices, sign
from assistant.errors import BadInput
from assistant.mail import FolderMail
from assistant.types import Shopper

GUEST = Shopper("guest:test")
SECRET = "sixteen characters and more"


@contextlib.contextmanager
def receiver(*answers):
    """The shop's own server; answers with these statuses, the last again and again."""

    heard, left = [], list(answers)

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append((self.headers["X-Aisle-Signature"], body))
            self.send_response(left.pop(0) if len(left) > 1 else left[0])
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook", heard
        finally:
            server.shutdown()
            thread.join()


def later(session, channels, **after):
    return Notices(
        session._store.database, channels, lambda: datetime.now(UTC) + timedelta(**after)
    )


def test_a_notice_is_signed_and_tried_until_it_is_taken(open_session, tmp_path):
    with receiver(500, 200) as (url, heard):
        mail = FolderMail(tmp_path / "mail", "shop@localhost")
        channels = Channels(url, SECRET, "desk@example.org", mail)
        session, _ = open_session({"tool": "reply"}, rules=Rules(channels=channels))
        conversation = session.start(GUEST).conversation_id
        session.ask_for_person(GUEST, conversation)
        notices = session.desk.notices
        assert notices.deliver() == 0
        assert notices.deliver() == 0, "it waits before it tries again"
        assert later(session, channels, seconds=11).deliver() == 1
        assert later(session, channels, days=2).deliver() == 0
    assert len(heard) == 2
    signature, body = heard[1]
    told = json.loads(body)
    assert (told["conversation_id"], told["to"]) == (conversation, "waiting")
    assert json.loads(heard[0][1])["id"] == told["id"]
    seconds = int(signature.partition(",")[0].removeprefix("t="))
    assert signature == sign(SECRET, seconds, body)
    assert signature != sign("another secret, long enough", seconds, body)
    assert len(list((tmp_path / "mail").iterdir())) == 1, "the mail that went out is not repeated"


def test_without_a_channel_nothing_is_kept(open_session):
    session, _ = open_session({"tool": "reply"})
    session.ask_for_person(GUEST, session.start(GUEST).conversation_id)
    assert session.desk.notices.deliver() == 1
    assert session.desk.notices.deliver() == 0


@pytest.mark.parametrize(("url", "secret"), [("ftp://x/y", SECRET), ("https://x/y", "short")])
def test_a_webhook_that_cannot_be_one_is_named(url, secret):
    with pytest.raises(BadInput, match="desk_webhook"):
        Channels(url, secret)
