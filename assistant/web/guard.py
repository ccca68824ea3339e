"""What stands before every route: who is speaking, security headers, errors as one sentence."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from assistant.errors import AisleError, BadInput
from assistant.session import Session
from assistant.types import Language, Shopper

COOKIE = "aisle_visit"
_COOKIE_SECONDS = 180 * 24 * 3600
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    # Gradio's page starts with inline scripts. Nothing may be loaded from anywhere else.
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' https: data:; font-src 'self' data:; "
        "connect-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
    ),
}
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d{1,5})?")

log = logging.getLogger(__name__)


def check_origins(origins: Sequence[str]) -> None:
    """Raises BadInput for what is no origin."""
    for each in origins:
        if not _ORIGIN.fullmatch(each):
            raise BadInput(
                f"setting 'widget_origins' holds {each!r}; write origins as https://shop.example"
            )


def visitor_of(session: Session) -> Callable[[Request], Shopper]:
    """Who the cookie says is speaking; a browser without one becomes a guest."""

    def visitor(request: Request) -> Shopper:
        given = request.cookies.get(COOKIE)
        token, shopper = session.visit(given)
        request.state.token = token
        if token != given:
            request.state.new_token = token
        return shopper

    return visitor


def guard(app: FastAPI, origins: Sequence[str]) -> None:
    """Security headers, one sentence for each error, and no writes from other sites."""
    framed = " ".join((_HEADERS["Content-Security-Policy"], *origins))

    @app.middleware("http")
    async def guarded(request: Request, call_next: Callable[[Request], Any]) -> Response:
        origin = request.headers.get("origin")
        writes = request.method not in ("GET", "HEAD", "OPTIONS")
        if writes and origin and urlsplit(origin).netloc != request.headers.get("host"):
            return _error(403, f"a page of {origin} may not act for a shopper here")
        response: Response = await call_next(request)
        token = getattr(request.state, "new_token", None)
        if token:
            secure = request.url.scheme == "https"
            response.headers.append("Set-Cookie", _cookie(token, secure, bool(origins)))
        if request.url.path == "/":
            response.headers["Content-Security-Policy"] = framed
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    @app.exception_handler(AisleError)
    async def known(request: Request, error: AisleError) -> Response:
        return _error(error.status, error.sentence(_spoken(request)))

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        return _error(400, f"{name} is {str(first.get('input'))[:80]!r}: {first['msg']}")

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> Response:
        reference = secrets.token_hex(4)
        log.error("request %s %s failed: %s", request.method, request.url.path, reference,
                  exc_info=error)  # fmt: skip
        return _error(500, f"something went wrong on our side; the reference is {reference}")


def _cookie(token: str, secure: bool, framed: bool) -> str:
    """The visit's cookie. In a frame of another site a browser sends only one that says
    `SameSite=None`, which it takes by https alone, and, where it blocks other sites' cookies, one
    that is `Partitioned`: each site around the frame has a visit of its own."""
    parts = [f"{COOKIE}={token}", f"Max-Age={_COOKIE_SECONDS}", "Path=/", "HttpOnly"]
    if secure:
        parts.append("Secure")
    parts += ["SameSite=None", "Partitioned"] if secure and framed else ["SameSite=Lax"]
    return "; ".join(parts)


def _spoken(request: Request) -> Language:
    """What the page says it speaks: it may differ from what its browser prefers."""
    return "zh" if request.headers.get("accept-language", "").startswith("zh") else "en"


def _error(status: int, message: str) -> Response:
    return JSONResponse({"error": message}, status)
