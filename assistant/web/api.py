"""The API at /api/v1: JSON in and out, a turn's events as they happen.

Whoever speaks is known by an httponly cookie, never by what a request says. Each route answers
for that shopper alone.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel

from assistant.desk.numbers import prometheus
from assistant.desk.view import Standing
from assistant.session import Session
from assistant.types import Cart, Conversation, Language, Shopper
from assistant.web import cards
from assistant.web.briefing import Briefing
from assistant.web.desk_api import admin_of, desk_routes
from assistant.web.guard import check_origins, guard, visitor_of
from assistant.web.live import Heard, Live, Signal, Update
from assistant.web.numbers import numbers_routes
from assistant.web.standing import handoff_routes, standing_document
from assistant.web.tending import Tending
from assistant.web.texts import texts

_STATIC = Path(__file__).parent / "static"
Format = Literal["json", "html"]


class SignIn(BaseModel):
    token: str


class Sample(BaseModel):
    customer_id: str


class Address(BaseModel):
    address: str


class Code(BaseModel):
    code: str


class Start(BaseModel):
    language: Language = "en"


class Said(BaseModel):
    text: str


class Answer(BaseModel):
    answer: Literal["yes", "no"]


class Rating(BaseModel):
    rating: Literal[-1, 0, 1]


class Quantity(BaseModel):
    quantity: int


def create_app(session: Session, origins: Sequence[str] = ()) -> FastAPI:
    """The web application over a session; its lifespan stops running turns before it ends.

    Pages of `origins` may hold the shopper's page in a frame. Raises BadInput for what is no
    origin.
    """
    check_origins(origins)
    live = Live(session)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        rounds = [Tending(session, live).rounds]
        if session.desk.rules.briefs:
            rounds.append(Briefing(session, live).rounds)
        for each in rounds:
            each.start()
        yield
        for each in rounds:
            await asyncio.to_thread(each.stop)
        live.close()

    app = FastAPI(title="Aisle", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.session = session
    app.state.live = live
    app.include_router(_routes(session, live))
    app.include_router(handoff_routes(session, live, Depends(visitor_of(session))))
    app.include_router(desk_routes(session, live, told))
    app.include_router(numbers_routes(session, admin_of(session.desk)))
    app.mount("/aisle", StaticFiles(directory=_STATIC), name="static")
    guard(app, origins)
    return app


def _routes(session: Session, live: Live) -> APIRouter:
    routes = APIRouter()
    visitor = Depends(visitor_of(session))

    @routes.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @routes.get("/readyz")
    def readyz() -> Response:
        ready = session.ready()
        return JSONResponse({"ready": ready}, 200 if ready else 503)

    @routes.get("/metrics")
    def metrics() -> Response:
        lines = [f'aisle_turns_total{{status="{k}"}} {v}' for k, v in live.finished.items()]
        lines += [f"aisle_{name} {value}" for name, value in live.counts().items()]
        lines += prometheus(session.desk.view.numbers(datetime.now(UTC) - timedelta(days=1)))
        return PlainTextResponse("\n".join(lines) + "\n")

    @routes.get("/api/v1/me")
    def me(language: Language = "en", who: Shopper = visitor) -> dict[str, Any]:
        """Who is speaking, the shop, and the interface's words."""
        return {
            "customer_id": who.customer_id,
            "shop": session.info.name,
            "model": session.model,
            "demo": session.demo,
            "codes": session.sends_codes,
            "samples": [
                {
                    "customer_id": each.customer_id,
                    "description": each.description_en if language == "en" else each.description_zh,
                }
                for each in session.samples()
            ],
            "texts": texts(language),
        }

    @routes.post("/api/v1/sign-in")
    def sign_in(request: Request, body: SignIn, _: Shopper = visitor) -> dict[str, Any]:
        """Speak as the customer of a token that the shop's site signed."""
        return _signed_in(request, session.sign_in(request.state.token, body.token))

    @routes.post("/api/v1/sign-in/sample")
    def sample_token(body: Sample, _: Shopper = visitor) -> dict[str, str]:
        """What a shop's site would do: sign a token, here for a sample shopper."""
        return {"token": session.demo_token(body.customer_id)}

    @routes.post("/api/v1/sign-in/code", status_code=202)
    def send_code(request: Request, body: Address, _: Shopper = visitor) -> dict[str, bool]:
        """Mail a code, if the address is a customer's; the answer does not tell."""
        session.send_code(request.state.token, body.address)
        return {"sent_if_known": True}

    @routes.post("/api/v1/sign-in/code/check")
    def check_code(request: Request, body: Code, _: Shopper = visitor) -> dict[str, Any]:
        return _signed_in(request, session.sign_in_by_code(request.state.token, body.code))

    @routes.post("/api/v1/sign-out")
    def sign_out(request: Request, _: Shopper = visitor) -> dict[str, Any]:
        return _who(session.sign_out(request.state.token))

    @routes.post("/api/v1/conversations", status_code=201)
    def start(body: Start, who: Shopper = visitor) -> Response:
        return _json(session.start(who, body.language), 201)

    @routes.get("/api/v1/conversations/latest")
    def latest(who: Shopper = visitor) -> Response:
        """The shopper's latest conversation, or null."""
        return _json(session.latest(who))

    @routes.get("/api/v1/conversations/{conversation_id}")
    def conversation(conversation_id: str, who: Shopper = visitor) -> Response:
        return _json(session.conversation(who, conversation_id))

    @routes.post("/api/v1/conversations/{conversation_id}/messages", status_code=202)
    def send(conversation_id: str, body: Said, who: Shopper = visitor) -> dict[str, str]:
        """Begin a turn. The message is kept once this answers; the events tell the rest."""
        return {"turn_id": live.send(who, conversation_id, body.text)}

    @routes.post(
        "/api/v1/conversations/{conversation_id}/changes/{change_id}/answer", status_code=202
    )
    def answer(
        conversation_id: str, change_id: str, body: Answer, who: Shopper = visitor
    ) -> dict[str, str]:
        """Say yes or no to a change that was shown; a yes makes it, once. Begins a turn."""
        yes = body.answer == "yes"
        return {"turn_id": live.answer(who, conversation_id, change_id, yes=yes)}

    @routes.get("/api/v1/conversations/{conversation_id}/events")
    async def events(
        conversation_id: str,
        as_format: Annotated[Format, Query(alias="format")] = "json",
        language: Language = "en",
        who: Shopper = visitor,
    ) -> Response:
        """Server-sent events: the conversation, then each event as it happens."""
        return await told(live.listen(who, conversation_id), as_format, language)

    @routes.post("/api/v1/conversations/{conversation_id}/stop")
    def stop(conversation_id: str, who: Shopper = visitor) -> dict[str, bool]:
        session.conversation(who, conversation_id)
        return {"stopped": live.stop(conversation_id)}

    @routes.post("/api/v1/conversations/{conversation_id}/turns/{turn_id}/rating")
    def rate(
        conversation_id: str, turn_id: str, body: Rating, who: Shopper = visitor
    ) -> dict[str, int]:
        session.rate(who, conversation_id, turn_id, body.rating)
        return {"rating": body.rating}

    @routes.get("/api/v1/cart")
    def cart(language: Language = "en", who: Shopper = visitor) -> dict[str, Any]:
        return _cart(session.cart(who), language)

    @routes.put("/api/v1/cart/{product_id}")
    def set_quantity(
        product_id: str, body: Quantity, language: Language = "en", who: Shopper = visitor
    ) -> dict[str, Any]:
        return _cart(session.set_quantity(who, product_id, body.quantity), language)

    return routes


async def told(heard: AsyncIterator[Heard], as_format: Format, language: Language) -> Response:
    """Server-sent events of what is heard; raises what hearing the first of it raises."""
    first = await anext(heard)

    async def stream() -> AsyncIterator[str]:
        yield "retry: 1500\n\n"
        yield _told(first, as_format, language)
        async for each in heard:
            yield _told(each, as_format, language)

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(stream(), media_type="text/event-stream", headers=headers)


def _told(heard: Heard, as_format: Format, language: Language) -> str:
    document: dict[str, Any]
    if isinstance(heard, Signal):
        name, document = heard.name, {"by": heard.by}
    elif isinstance(heard, Standing):
        name, document = "standing", standing_document(heard, language)
    elif as_format == "html":
        name, document = _page_update(heard, language)
    elif isinstance(heard, Conversation):
        name, document = "conversation", _plain(heard)
    else:
        name, document = type(heard.event).__name__, _plain(heard.event)
    data = json.dumps(document, ensure_ascii=False, default=_value)
    return f"event: {name}\ndata: {data}\n\n"


def _page_update(update: Conversation | Update, language: Language) -> tuple[str, dict[str, Any]]:
    """What the page draws: the conversation anew, or one turn of it anew."""
    if isinstance(update, Conversation):
        html = cards.conversation_html(update, language)
        return "conversation", {"state": update.state, "html": html}
    view = update.view
    doing = cards.doing_text(view.action, language) if view.action else ""
    if view.turn.pieces:
        doing = texts(language)["writing"]
    return "turn", {
        "turn_id": view.turn.turn_id,
        "status": view.turn.status,
        "kind": view.turn.kind,
        "state": "waiting" if view.turn.handoff else None,
        "cart": view.turn.cart is not None,
        "reply": view.turn.reply if view.turn.status != "running" else "",
        "html": cards.turn_html(view.turn, language, doing, view.failure),
    }


def _cart(cart: Cart, language: Language) -> dict[str, Any]:
    return {
        "count": sum(line.quantity for line in cart.lines),
        "total": float(cart.total),
        "currency": cart.currency,
        "lines": [
            {
                "product_id": line.product.product_id,
                "title": line.product.title,
                "price": float(line.product.price),
                "quantity": line.quantity,
            }
            for line in cart.lines
        ],
        "html": cards.cart_html(cart, language),
    }


def _signed_in(request: Request, visit: tuple[str, Shopper]) -> dict[str, Any]:
    """The answer to a sign-in, which moves the browser on to a new cookie."""
    request.state.new_token, shopper = visit
    return _who(shopper)


def _who(shopper: Shopper) -> dict[str, Any]:
    return {"customer_id": shopper.customer_id}


def _json(conversation: Conversation | None, status: int = 200) -> Response:
    document = _plain(conversation) if conversation else None
    body = json.dumps(document, ensure_ascii=False, default=_value)
    return Response(body, status, media_type="application/json")


def _plain(value: Any) -> dict[str, Any]:
    """A value for programs outside; the key that owns a conversation stays inside."""
    document: dict[str, Any] = asdict(value)
    shopper = document.pop("shopper", None)
    if shopper:
        document["customer_id"] = shopper["customer_id"]
    return document


def _value(value: object) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{value!r} has no JSON form")
