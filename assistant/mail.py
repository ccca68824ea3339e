"""Sending a mail: over SMTP, or into a folder where a demonstration can read it."""

from __future__ import annotations

import secrets
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from assistant.errors import BadInput, StorageError

_SECONDS = 20


class Mailer(Protocol):
    """Raises StorageError where the mail could not be handed on."""

    def send(self, to: str, subject: str, text: str) -> None: ...


@dataclass(frozen=True, slots=True)
class FolderMail:
    """Each mail a file, readable by its owner alone."""

    folder: Path
    sender: str

    def send(self, to: str, subject: str, text: str) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = self.folder / f"{secrets.token_hex(8)}.eml"
            path.touch(mode=0o600)
            path.write_bytes(bytes(_message(self.sender, to, subject, text)))
        except OSError as error:
            raise StorageError(f"mail cannot be put into {str(self.folder)!r}: {error}") from None


@dataclass(frozen=True, slots=True)
class SmtpMail:
    """A server that passes mail on, always over TLS unless it is this machine's own."""

    url: str
    sender: str

    def send(self, to: str, subject: str, text: str) -> None:
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        secure = ssl.create_default_context()
        try:
            if parts.scheme == "smtps":
                server: smtplib.SMTP = smtplib.SMTP_SSL(
                    host, parts.port or 465, timeout=_SECONDS, context=secure
                )
            else:
                server = smtplib.SMTP(host, parts.port or 587, timeout=_SECONDS)
            with server:
                if parts.scheme == "smtp" and host not in ("127.0.0.1", "localhost", "::1"):
                    server.starttls(context=secure)
                if parts.username:
                    server.login(unquote(parts.username), unquote(parts.password or ""))
                server.send_message(_message(self.sender, to, subject, text))
        except (OSError, smtplib.SMTPException) as error:
            # Neither the address nor the password of the server belongs into a log.
            raise StorageError(
                f"the mail server {host!r} did not take a mail ({type(error).__name__}); "
                "check the setting 'mail'"
            ) from None


def open_mailer(setting: str, sender: str) -> Mailer:
    """What the setting `mail` names; raises BadInput for an address of another kind."""
    parts = urlsplit(setting)
    if parts.scheme in ("smtp", "smtps"):
        if not parts.hostname:
            raise BadInput("setting 'mail' names no host; give smtp://USER:PASSWORD@HOST:PORT")
        return SmtpMail(setting, sender)
    if "://" in setting:
        raise BadInput(f"setting 'mail' begins with {parts.scheme!r}; use smtp, smtps or a folder")
    return FolderMail(Path(setting), sender)


def _message(sender: str, to: str, subject: str, text: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message.set_content(text)
    return message
