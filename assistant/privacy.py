"""Personal data stays out of the logs: what looks like it is blotted out of every line."""

from __future__ import annotations

import logging
import re

_PATTERNS = (
    ("e-mail", re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}")),
    ("token", re.compile(r"\beyJ[\w-]{4,}\.[\w-]{4,}\.[\w-]*")),
    # 13 to 19 digits in groups: no order number of a shop is written like that.
    (
        "card",
        re.compile(r"(?<![\w.])\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}(?!\w)|(?<!\w)\d{13,19}(?!\w)"),
    ),
    (
        "phone",
        re.compile(
            r"(?<![\w.])(?:\+\d{1,3}[ .-]?(?:\(?\d{1,4}\)?[ .-]?){2,5}\d{2,4}"
            r"|\(\d{3}\)[ .-]?\d{3}[ .-]?\d{4}|\d{3}[ .-]\d{3}[ .-]\d{4})(?!\w)"
        ),
    ),
    (
        "address",
        re.compile(
            r"\b\d{1,5}[a-z]?(?: [A-Z][\w.'’]{0,30}){1,4} "
            r"(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Place|Pl"
            r"|Way|Terrace|Square|Parkway|Pkwy|Circle)\b\.?"
            r"(?:, [A-Z][\w.'’-]{1,30}(?: [A-Z][\w.'’-]{1,30}){0,2}){0,3}(?: \d{5}(?:-\d{4})?)?"
        ),
    ),
)


def redact(text: str) -> str:
    """The text with e-mail addresses, phone and card numbers, street addresses and sign-in tokens
    replaced by what they are."""
    for name, pattern in _PATTERNS:
        text = pattern.sub(f"[{name}]", text)
    return text


class RedactingFormatter(logging.Formatter):
    """Formats a record, its traceback included, and blots personal data out of the result."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def keep_logs_clean(level: int = logging.WARNING) -> None:
    """Log to standard error through `RedactingFormatter`; for an entry point."""
    handler = logging.StreamHandler()
    handler.setFormatter(RedactingFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])
