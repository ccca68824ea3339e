"""A shopper's side of the hand-off: asking for a person, waiting, leaving an address, rating."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from assistant.desk.view import Standing
from assistant.session import Session
from assistant.types import Language, Shopper
from assistant.web.live import Live, Signal
from assistant.web.texts import text


class Email(BaseModel):
    email: str


class Stars(BaseModel):
    rating: int


def handoff_routes(session: Session, live: Live, visitor: Any) -> APIRouter:
    """`visitor` is the dependency that says who the cookie's shopper is."""
    routes = APIRouter(prefix="/api/v1/conversations/{conversation_id}", tags=["hand-off"])

    def told(conversation_id: str, language: Language) -> dict[str, Any]:
        live.tell_standing(conversation_id)
        return standing_document(session.desk.view.standing(conversation_id), language)

    @routes.get("/standing")
    def standing(
        conversation_id: str, language: Language = "en", who: Shopper = visitor
    ) -> dict[str, Any]:
        """Who has the conversation, and the place in the queue."""
        session.conversation(who, conversation_id)
        return standing_document(session.desk.view.standing(conversation_id), language)

    @routes.post("/handoff")
    def handoff(
        conversation_id: str, language: Language = "en", who: Shopper = visitor
    ) -> dict[str, Any]:
        """Ask for a person; always works, and asking twice is asking once."""
        session.ask_for_person(who, conversation_id)
        return told(conversation_id, language)

    @routes.delete("/handoff")
    def stop_waiting(
        conversation_id: str, language: Language = "en", who: Shopper = visitor
    ) -> dict[str, Any]:
        """Go on with the assistant instead of waiting."""
        session.stop_waiting(who, conversation_id)
        return told(conversation_id, language)

    @routes.post("/handoff/email")
    def leave_email(
        conversation_id: str, body: Email, language: Language = "en", who: Shopper = visitor
    ) -> dict[str, Any]:
        """Leave an address where nobody is there; it is shown at the desk, and no more."""
        session.desk.leave_email(who.key, conversation_id, body.email)
        return told(conversation_id, language)

    @routes.post("/handoff/rating")
    def rate(
        conversation_id: str, body: Stars, language: Language = "en", who: Shopper = visitor
    ) -> dict[str, Any]:
        """1 to 5 for the colleague's help, once it is resolved."""
        session.desk.rate(who.key, conversation_id, body.rating)
        return told(conversation_id, language)

    @routes.post("/typing", status_code=204)
    def typing(conversation_id: str, who: Shopper = visitor) -> None:
        session.conversation(who, conversation_id)
        live.signal(conversation_id, Signal("typing"))

    return routes


def standing_document(standing: Standing, language: Language) -> dict[str, Any]:
    return asdict(standing) | {"banner": banner(standing, language)}


def banner(standing: Standing, language: Language) -> str:
    """What the page says of it: only what is so now."""
    if standing.state == "with_staff":
        return text(language, "with_staff").format(colleague=standing.colleague)
    if standing.state == "resolved":
        return text(language, "resolved")
    if standing.state == "with_assistant":
        return ""
    parts = [text(language, "waiting_place").format(place=standing.place)]
    if not standing.there or not standing.open:
        parts.append(text(language, "nobody_there" if standing.open else "closed"))
        if standing.hours:
            first, last = standing.hours
            parts.append(text(language, "desk_hours").format(first=first, last=last))
    if standing.email:
        parts.append(text(language, "email_kept").format(email=standing.email))
    return (" " if language == "en" else "").join(parts)
