"""One-time codes, with a real mail folder, a real SMTP conversation and a real database."""

import email
import re
import socket
import threading
from datetime import UTC, datetime, timedelta

import pytest

from assistant.codes import PER_ADDRESS, PER_VISIT, TRIES, WITHIN, Codes
from assistant.errors import BadInput, SignInRefused, StorageError, TooMany
from assistant.mail import FolderMail, SmtpMail, open_mailer
from assistant.store import Store

ANNA = "anna@example.com"
LIFE = timedelta(minutes=10)


class Clock:
    def __init__(self):
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def codes(tmp_path, clock):
    store = Store.open(f"sqlite:///{tmp_path / 'conversations.db'}")
    mailer = FolderMail(tmp_path / "mail", "shop@example.com")
    made = Codes(store.database, mailer, {ANNA: "1"}.get, "Tiny Shop", LIFE, clock)
    yield made
    made.close()
    store.close()


@pytest.fixture
def mailed(codes, tmp_path):
    """The codes that were mailed so far, oldest first."""

    def mailed_():
        codes._sending.submit(lambda: None).result()
        files = sorted((tmp_path / "mail").glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
        texts = [
            email.message_from_bytes(path.read_bytes()).get_payload(decode=True).decode()
            for path in files
        ]
        return [re.search(r"\d{8}", text)[0] for text in texts]

    return mailed_


def test_a_mailed_code_signs_in_once(codes, mailed):
    codes.send("visit", " Anna@Example.com ")
    (code,) = mailed()
    assert codes.customer_of("visit", f"{code[:4]} {code[4:]}\n") == "1"
    with pytest.raises(SignInRefused, match="ask for a new one"):
        codes.customer_of("visit", code)


def test_a_code_works_in_the_browser_that_asked_alone(codes, mailed):
    codes.send("visit", ANNA)
    (code,) = mailed()
    with pytest.raises(SignInRefused):
        codes.customer_of("another visit", code)
    assert codes.customer_of("visit", code) == "1"


def test_a_code_expires(codes, mailed, clock):
    codes.send("visit", ANNA)
    clock.now += LIFE
    with pytest.raises(SignInRefused):
        codes.customer_of("visit", mailed()[0])


def test_a_code_stands_a_few_tries(codes, mailed):
    codes.send("visit", ANNA)
    (code,) = mailed()
    for wrong in ["00000000" if code != "00000000" else "1", "", "x" * 10_000, "\ud800", "٠" * 8]:
        with pytest.raises(SignInRefused):
            codes.customer_of("visit", wrong)
    assert TRIES == 5
    with pytest.raises(SignInRefused):
        codes.customer_of("visit", code)


def test_a_new_code_ends_the_one_before(codes, mailed, clock):
    codes.send("visit", ANNA)
    clock.now += timedelta(seconds=1)
    codes.send("visit", ANNA)
    first, second = mailed()
    if first != second:
        with pytest.raises(SignInRefused):
            codes.customer_of("visit", first)
    assert codes.customer_of("visit", second) == "1"


def test_asking_tells_nothing_of_who_is_a_customer(codes, mailed):
    assert codes.send("visit", "stranger@example.com") is None
    assert mailed() == []
    for number in range(TRIES):
        with pytest.raises(SignInRefused, match="not the code"):
            codes.customer_of("visit", f"{number:08d}")
    for _ in range(PER_ADDRESS - 1):
        codes.send("visit", "stranger@example.com")
    with pytest.raises(TooMany):
        codes.send("visit", "stranger@example.com")


def test_an_address_gets_a_few_codes_from_all_browsers_together(codes, mailed, clock):
    for number in range(PER_ADDRESS):
        codes.send(f"visit {number}", ANNA)
    with pytest.raises(TooMany, match="30 minutes") as refused:
        codes.send("visit 9", ANNA)
    assert refused.value.status == 429
    assert len(mailed()) == PER_ADDRESS
    clock.now += WITHIN
    codes.send("visit 9", ANNA)
    assert len(mailed()) == PER_ADDRESS + 1


def test_a_browser_asks_a_few_times_for_all_addresses_together(codes):
    for number in range(PER_VISIT):
        codes.send("visit", f"stranger{number}@example.com")
    with pytest.raises(TooMany):
        codes.send("visit", "another@example.com")


@pytest.mark.parametrize(
    "wild", ["", "anna", "a@b", "a b@example.com", "a@example.com\nBcc: b@example.com", "a" * 999]
)
def test_what_is_no_address_is_named(codes, wild):
    with pytest.raises(BadInput, match="e-mail address"):
        codes.send("visit", wild)


def test_neither_code_nor_address_is_kept_or_logged(codes, mailed, tmp_path, caplog):
    caplog.set_level("DEBUG")
    codes.send("visit", ANNA)
    (code,) = mailed()
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("conversations.db*"))
    assert code.encode() not in kept
    assert ANNA.encode() not in kept
    assert code not in caplog.text
    assert ANNA not in caplog.text


def test_a_mail_that_cannot_be_sent_is_in_the_log_without_the_address(tmp_path, caplog):
    store = Store.open("sqlite://")
    codes = Codes(store.database, SmtpMail("smtp://127.0.0.1:1", "s@example.com"),
                  {ANNA: "1"}.get, "Tiny Shop", LIFE)  # fmt: skip
    codes.send("visit", ANNA)
    codes.close()
    store.close()
    assert "was not sent" in caplog.text
    assert ANNA not in caplog.text


def test_a_mail_server_is_given_the_mail():
    """A server that speaks just enough SMTP, over a real socket."""
    heard = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            connection, _ = listening.accept()
            with connection, connection.makefile("rwb") as line:

                def say(text):
                    line.write(text + b"\r\n")
                    line.flush()

                say(b"220 tiny")
                body = False
                for raw in line:
                    heard.append(raw)
                    if body:
                        body = raw != b".\r\n"
                        if not body:
                            say(b"250 kept")
                    elif raw.upper().startswith(b"DATA"):
                        body = True
                        say(b"354 go on")
                    elif raw.upper().startswith(b"QUIT"):
                        say(b"221 bye")
                        return
                    else:
                        say(b"250 ok")

        thread = threading.Thread(target=serve)
        thread.start()
        port = listening.getsockname()[1]
        open_mailer(f"smtp://127.0.0.1:{port}", "shop@example.com").send(ANNA, "Hi", "Your code.")
        thread.join(10)
    said = b"".join(heard)
    assert b"To: anna@example.com" in said
    assert b"Your code." in said


def test_a_mail_setting_of_another_kind_is_named(tmp_path):
    with pytest.raises(BadInput, match="'https'"):
        open_mailer("https://mail.example", "s@example.com")
    with pytest.raises(BadInput, match="no host"):
        open_mailer("smtp://", "s@example.com")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be put"):
        open_mailer(str(tmp_path / "file"), "s@example.com").send(ANNA, "Hi", "x")
