"""The desk's API at /api/v1/desk: for the page at /staff by its cookie, for a shop's own programs
by a bearer token (`aisle staff token NAME`). Documented at /openapi.json."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from decimal import Decimal
from typing import Annotated, Any, Literal, Protocol

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.encoders import jsonable_encoder
from pydantic import BaseModel

from assistant.desk.desk import Desk
from assistant.desk.packet import canned_replies, facts_of
from assistant.desk.staff import SESSION, Colleague
from assistant.errors import Forbidden, SignInRefused
from assistant.session import Session
from assistant.types import Conversation, Language, Turn
from assistant.web import cards
from assistant.web.desk_changes import change_routes
from assistant.web.live import Heard, Live, Signal

COOKIE = "aisle_staff"

Format = Literal["json", "html"]


class Stream(Protocol):
    def __call__(
        self, heard: AsyncIterator[Heard], as_format: Format, language: Language
    ) -> Awaitable[Response]: ...


class LogIn(BaseModel):
    name: str
    password: str


class Account(LogIn):
    role: Literal["agent", "admin"] = "agent"


class Reply(BaseModel):
    text: str = ""
    products: list[str] = []


class NoteText(BaseModel):
    text: str


def desk_routes(session: Session, live: Live, told: Stream) -> APIRouter:
    """`told` makes server-sent events of what is heard."""
    routes = APIRouter(prefix="/api/v1/desk", tags=["desk"])
    colleague = Depends(_colleague(session.desk))
    routes.include_router(_people(session.desk, session.info.name, live, colleague))
    routes.include_router(_lists(session, live, told, colleague))
    routes.include_router(_reading(session, live, told, colleague))
    routes.include_router(_acting(session, live, colleague))
    routes.include_router(change_routes(session, live, colleague))
    return routes


def _people(desk: Desk, shop: str, live: Live, colleague: Any) -> APIRouter:
    routes = APIRouter()
    admin = Depends(admin_of(desk))

    @routes.post("/login")
    def log_in(request: Request, response: Response, body: LogIn) -> dict[str, str]:
        """Begin a session of a colleague; it ends after hours, or when it is not used."""
        address = request.client.host if request.client else ""
        token, who = desk.staff.log_in(body.name, body.password, address)
        response.set_cookie(
            COOKIE,
            token,
            max_age=int(SESSION.total_seconds()),
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        live.signal("", Signal("queue"))
        return _person(who)

    @routes.post("/logout", status_code=204)
    def log_out(request: Request, response: Response) -> None:
        desk.staff.log_out(request.cookies.get(COOKIE))
        response.delete_cookie(COOKIE)

    @routes.get("/me")
    def me(who: Colleague = colleague) -> dict[str, Any]:
        return _person(who) | {"shop": shop, "rules": _rules(desk)}

    @routes.get("/staff")
    def everyone(_: Colleague = admin) -> list[dict[str, Any]]:
        return [_person(who) | {"seen_at": _plain(seen)} for who, seen in desk.staff.everyone()]

    @routes.post("/staff", status_code=201)
    def add(body: Account, _: Colleague = admin) -> dict[str, str]:
        return _person(desk.staff.add(body.name, body.password, body.role))

    @routes.delete("/staff/{name}", status_code=204)
    def remove(name: str, _: Colleague = admin) -> None:
        desk.staff.remove(name)

    return routes


def _lists(session: Session, live: Live, told: Stream, colleague: Any) -> APIRouter:
    routes = APIRouter()
    desk = session.desk

    @routes.get("/conversations")
    def queue(who: Colleague = colleague) -> dict[str, Any]:
        """Conversations that wait or are with a colleague: most urgent first."""
        for moved in desk.sweep():
            live.tell_standing(moved)
        entries = desk.view.queue()
        return {
            "conversations": [
                asdict(entry)
                | {
                    "mine": entry.staff_id == who.staff_id,
                    "here": live.is_here(entry.conversation_id),
                }
                for entry in entries
            ],
            "waiting": sum(entry.state == "waiting" for entry in entries),
            "open": desk.view.is_open(),
        }

    @routes.post("/next")
    def claim_next(who: Colleague = colleague) -> dict[str, str | None]:
        """Take the first that waits; null when nobody does."""
        conversation_id = desk.claim_next(who)
        if conversation_id:
            live.tell_standing(conversation_id)
        return {"conversation_id": conversation_id}

    @routes.get("/events")
    async def events(_: Colleague = colleague) -> Response:
        """Server-sent events: `queue` whenever the list has changed."""
        return await told(live.watch_desk(), "json", "en")

    @routes.get("/search")
    def search(q: str, _: Colleague = colleague) -> list[dict[str, Any]]:
        """Past and present conversations that hold these words, or of this customer."""
        return desk.view.search(q)

    @routes.get("/products")
    def products(
        q: str, language: Language = "en", _: Colleague = colleague
    ) -> list[dict[str, Any]]:
        """Products to put into a reply."""
        found = session.aid.find_products(q)
        return [
            {
                "product_id": card.product.product_id,
                "title": card.product.title,
                "price": float(card.product.price),
                "html": cards.product_html(card, language),
            }
            for card in found
        ]

    return routes


def _reading(session: Session, live: Live, told: Stream, colleague: Any) -> APIRouter:
    routes = APIRouter()
    desk = session.desk

    @routes.get("/conversations/{conversation_id}")
    def conversation(
        conversation_id: str, language: Language = "en", who: Colleague = colleague
    ) -> dict[str, Any]:
        """The conversation with its notes, its history and the hand-off packet. `language` is the
        colleague's; ready replies are in the shopper's, under titles in the colleague's."""
        packet, context = session.aid.packet(conversation_id, language)
        found = desk.view.conversation(conversation_id)
        facts = facts_of(context, packet, who.name)
        canned = canned_replies(desk.rules.canned, found.language, facts, titles=language)
        given = asdict(packet)
        return _object(
            _document(found)
            | {
                "standing": asdict(desk.view.standing(conversation_id)),
                "here": live.is_here(conversation_id),
                "brief": desk.view.brief(conversation_id),
                "notes": [asdict(note) for note in desk.view.notes(conversation_id)],
                "history": desk.view.history(conversation_id),
                "packet": given
                | {
                    "orders_html": "".join(
                        cards.order_html(each, language) for each in packet.orders
                    ),
                    "cart_html": cards.cart_lines_html(packet.cart, language),
                },
                "canned": [asdict(each) for each in canned],
            }
        )

    @routes.get("/conversations/{conversation_id}/events")
    async def conversation_events(
        conversation_id: str,
        as_format: Annotated[Format, Query(alias="format")] = "json",
        language: Language = "en",
        _: Colleague = colleague,
    ) -> Response:
        """Server-sent events: the conversation, then each event as its shopper sees it."""
        return await told(live.watch(conversation_id), as_format, language)

    @routes.get("/conversations/{conversation_id}/export")
    def export(conversation_id: str, _: Colleague = colleague) -> Response:
        """All that is kept of it, as a JSON file."""
        name = f'attachment; filename="conversation-{conversation_id}.json"'
        document = desk.view.export(conversation_id)
        return Response(
            _text(document), media_type="application/json", headers={"Content-Disposition": name}
        )

    return routes


def _acting(session: Session, live: Live, colleague: Any) -> APIRouter:
    routes = APIRouter()
    desk = session.desk

    def moved(conversation_id: str) -> dict[str, Any]:
        live.tell_standing(conversation_id)
        return _object(asdict(desk.view.standing(conversation_id)))

    @routes.post("/conversations/{conversation_id}/claim")
    def claim(conversation_id: str, who: Colleague = colleague) -> dict[str, Any]:
        """Take it: of any number at once, one has it."""
        desk.claim(who, conversation_id)
        return moved(conversation_id)

    @routes.post("/conversations/{conversation_id}/reply", status_code=201)
    def reply(conversation_id: str, body: Reply, who: Colleague = colleague) -> dict[str, str]:
        """Say something to the shopper, with products as cards."""
        turn = live.say(
            conversation_id, lambda: desk.reply(who, conversation_id, body.text, body.products)
        )
        return {"turn_id": turn.turn_id}

    @routes.post("/conversations/{conversation_id}/notes", status_code=201)
    def note(conversation_id: str, body: NoteText, who: Colleague = colleague) -> dict[str, Any]:
        """Write a private note; neither the shopper nor the model ever sees it."""
        written = desk.note(who, conversation_id, body.text)
        live.signal("", Signal("queue"))
        return _object(asdict(written))

    @routes.post("/conversations/{conversation_id}/draft")
    def draft(conversation_id: str, _: Colleague = colleague) -> dict[str, Any]:
        """What the assistant would answer, to be edited; nothing is kept or sent."""
        turn = session.aid.draft_reply(conversation_id)
        named = {piece.tag for piece in turn.pieces if piece.kind == "product"}
        return {
            "text": draft_text(turn),
            "products": [
                {"product_id": card.product.product_id, "title": card.product.title}
                for card in turn.products
                if card.tag in named
            ],
        }

    @routes.post("/conversations/{conversation_id}/release")
    def release(conversation_id: str, who: Colleague = colleague) -> dict[str, Any]:
        """Put it back into the queue."""
        desk.release(who, conversation_id)
        return moved(conversation_id)

    @routes.post("/conversations/{conversation_id}/return")
    def give_back(conversation_id: str, who: Colleague = colleague) -> dict[str, Any]:
        """Give it back to the assistant."""
        desk.give_back(who, conversation_id)
        return moved(conversation_id)

    @routes.post("/conversations/{conversation_id}/resolve")
    def resolve(conversation_id: str, who: Colleague = colleague) -> dict[str, Any]:
        """It is done; the shopper may rate it, and opens it again by writing."""
        desk.resolve(who, conversation_id)
        return moved(conversation_id)

    @routes.post("/conversations/{conversation_id}/seen", status_code=204)
    def seen(conversation_id: str, who: Colleague = colleague) -> None:
        desk.seen(who, conversation_id)
        live.signal("", Signal("queue"))

    @routes.post("/conversations/{conversation_id}/typing", status_code=204)
    def typing(conversation_id: str, who: Colleague = colleague) -> None:
        live.signal(conversation_id, Signal("typing", who.name))

    return routes


def _colleague(desk: Desk) -> Callable[[Request], Colleague]:
    """Whose session the cookie is, or whose token the header bears; raises SignInRefused."""

    def colleague(request: Request) -> Colleague:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            who = desk.staff.integration(token.strip())
        else:
            who = desk.staff.who(request.cookies.get(COOKIE))
        if who is None:
            raise SignInRefused("sign in at the desk first", "请先登录客服台")
        return who

    return colleague


def admin_of(desk: Desk) -> Callable[[Request], Colleague]:
    """As a colleague, and an admin; raises Forbidden for others."""
    known = _colleague(desk)

    def admin(request: Request) -> Colleague:
        who = known(request)
        if who.role != "admin":
            raise Forbidden(
                "this is for the desk's admins; ask one of them",
                "此处仅限客服台管理员；请联系管理员",
            )
        return who

    return admin


def draft_text(turn: Turn) -> str:
    """A draft's words; products travel as cards, so they are not spelled out again."""
    said = [piece.text for piece in turn.pieces if piece.text and piece.kind != "product"]
    return " ".join(said)


def _person(who: Colleague) -> dict[str, str]:
    return {"name": who.name, "role": who.role}


def _rules(desk: Desk) -> dict[str, float]:
    return {
        "capacity": desk.rules.capacity,
        "answer_within": desk.rules.answer_within.total_seconds(),
    }


def _document(conversation: Conversation) -> dict[str, Any]:
    document = asdict(conversation)
    document["customer_id"] = document.pop("shopper")["customer_id"]
    return document


def _plain(value: Any) -> Any:
    return jsonable_encoder(value, custom_encoder={Decimal: float})


def _object(value: dict[str, Any]) -> dict[str, Any]:
    return dict(_plain(value))


def _text(document: Any) -> str:
    return json.dumps(_plain(document), ensure_ascii=False, indent=1)
