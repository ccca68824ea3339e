import io
import logging

import pytest

from assistant.privacy import RedactingFormatter, redact


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("mail anna.b+shop@example.co.uk now", "mail [e-mail] now"),
        ("call +1 (555) 010-9999 or 555-010-9999", "call [phone] or [phone]"),
        ("card 4111 1111 1111 1111.", "card [card]."),
        ("card 4111111111111111", "card [card]"),
        ("to 12 Birch Street, Dayton, OH 45402 please", "to [address] please"),
        ("token eyJhbGciOiJub25lIn0.eyJzdWIiOiI3In0.", "token [token]"),
        ("order 41453231209 of 31 December 2017, $1,159.00", None),
        ("turn 3f9a0c12 failed: the model did not answer within 30.0 s", None),
        ("wrote sqlite:////srv/aisle/conversations.db, 12,345 rows", None),
    ],
)
def test_personal_data_is_blotted_out_and_nothing_else(text, kept):
    assert redact(text) == (kept or text)


def test_a_traceback_is_blotted_out_too():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(RedactingFormatter("%(message)s"))
    log = logging.getLogger("tests.privacy")
    log.addHandler(handler)
    try:
        raise ValueError("no customer anna@example.com")
    except ValueError:
        log.exception("looking for %s", "anna@example.com")
    log.removeHandler(handler)
    assert "anna@" not in stream.getvalue()
    assert stream.getvalue().count("[e-mail]") == 3


def test_a_hostile_text_is_blotted_out_in_time():
    for part in ("1 A", "a@", "(555) ", "4111 ", "+1 ", "eyJaaaa.", "1 Aa Bb "):
        redact(part * 20_000)
