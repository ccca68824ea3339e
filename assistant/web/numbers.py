"""The team lead's page at /staff/numbers, and the same as JSON: plots drawn as SVG, no script."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import HTMLResponse

from assistant.desk.numbers import Numbers, Spread
from assistant.desk.staff import Colleague
from assistant.session import Session
from assistant.types import Language
from assistant.web.desk_texts import desk_text

_STYLE = """
body{margin:0;font:16px/1.5 system-ui,sans-serif;color:#1c2420;background:#faf8f4}
main{max-width:960px;margin:0 auto;padding:24px}h1{font-size:1.4rem}h2{font-size:1.05rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px}
.tiles div,section{padding:14px 16px;border:1px solid #e4e0d7;border-radius:14px;background:#fff}
.tiles strong{display:block;font-size:1.5rem}.tiles .late strong{color:#8a3b12}
section{margin-top:16px}svg{width:100%;height:auto;font:12px system-ui,sans-serif}
svg text{fill:#5d6962}a{color:#1d6b48}
@media (prefers-color-scheme:dark){body{color:#edf1ee;background:#131715}
.tiles div,section{border-color:#313a36;background:#1c2220}svg text{fill:#a3afa8}a{color:#5fc493}}
"""
Days = Annotated[int, Query(ge=1, le=366)]
_COLOURS = ("#8db8a1", "#1d6b48", "#d99a5b")


def numbers_routes(session: Session, admin: Callable[[Request], Colleague]) -> APIRouter:
    """`admin` says who asks, and refuses everybody else."""
    routes = APIRouter(tags=["desk"])
    allowed = Depends(admin)

    def read(days: int) -> Numbers:
        return session.desk.view.numbers(datetime.now(UTC) - timedelta(days=days))

    @routes.get("/api/v1/desk/numbers")
    def numbers(days: Days = 30, _: Colleague = allowed) -> dict[str, Any]:
        """Waiting, response and handling times, outcomes, ratings and reasons of so many days."""
        found = read(days)
        document = asdict(found) | {"without_a_person": found.without_a_person}
        return dict(jsonable_encoder(document))

    @routes.get("/staff/numbers", include_in_schema=False)
    def page(days: Days = 30, language: Language = "en", _: Colleague = allowed) -> HTMLResponse:
        return HTMLResponse(numbers_html(read(days), session.info.name, days, language))

    return routes


def numbers_html(numbers: Numbers, shop: str, days: int, language: Language = "en") -> str:
    def say(key: str, **values: object) -> str:
        return escape(desk_text(language, key).format(**values))

    def seconds(spread: Spread) -> str:
        return _seconds(spread, language)

    share = numbers.without_a_person
    tiles = [
        ("waiting_now", str(numbers.waiting), ""),
        ("with_staff_now", str(numbers.with_staff), ""),
        ("number_conversations", str(numbers.conversations), ""),
        ("without_a_person", "–" if share is None else f"{share:.0%}", ""),
        ("resolved_by_colleague", str(numbers.resolved), ""),
        ("first_response", seconds(numbers.first_response), ""),
        ("handling", seconds(numbers.handling), ""),
        ("late_answers", str(numbers.late), "late" if numbers.late else ""),
    ]
    drawn = "".join(
        f'<div class="{kind}"><span>{say(name)}</span><strong>{escape(value)}</strong></div>'
        for name, value, kind in tiles
    )
    groups = [
        (each.day[5:], (each.conversations, each.handoffs, each.resolved)) for each in numbers.days
    ]
    series = [say(f"series_{name}") for name in ("conversations", "handoffs", "resolved")]
    stars = {say("stars", star=star): numbers.ratings.get(star, 0) for star in range(1, 6)}
    reasons = {_reason(name, language): count for name, count in numbers.reasons.items()}
    nothing = f"<p>{say('nothing_yet')}</p>"
    title = f"{say('numbers')} · {escape(shop)}"
    return (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style><main><h1>{say('numbers_of', shop=shop, days=days)}</h1>"
        f'<p><a href="/staff">{say("back")}</a> · <a href="/api/v1/desk/numbers?days={days}">'
        f'{say("as_json")}</a></p><div class="tiles">{drawn}</div>'
        f"<section><h2>{say('by_day')}</h2>{_columns(groups, series) or nothing}</section>"
        f"<section><h2>{say('why_person')}</h2>{_bars(reasons) or nothing}</section>"
        f"<section><h2>{say('ratings')}</h2>{_bars(stars) or nothing}</section></main></html>"
    )


def _reason(name: str, language: Language) -> str:
    try:
        return desk_text(language, f"reason_{name}")
    except KeyError:
        return name.replace("_", " ")


def _columns(groups: Sequence[tuple[str, Sequence[int]]], names: Sequence[str]) -> str:
    if not groups:
        return ""
    most = max(max(counts) for _, counts in groups) or 1
    wide = 900 / len(groups)
    parts = []
    for place, (label, counts) in enumerate(groups):
        bar = min(wide / 4, 40)
        for number, count in enumerate(counts):
            high = 150 * count / most
            parts.append(
                f'<rect x="{place * wide + number * bar + 4:.1f}" y="{170 - high:.1f}" '
                f'width="{bar - 1:.1f}" height="{high:.1f}" fill="{_COLOURS[number]}">'
                f"<title>{escape(label)}: {count} {names[number]}</title></rect>"
            )
        if place % max(1, len(groups) // 12) == 0:
            parts.append(f'<text x="{place * wide + 4:.1f}" y="188">{escape(label)}</text>')
    legend = "".join(
        f'<rect x="{40 + number * 130}" y="2" width="10" height="10" fill="{_COLOURS[number]}"/>'
        f'<text x="{54 + number * 130}" y="11">{name}</text>'
        for number, name in enumerate(names)
    )
    return (
        f'<svg viewBox="0 0 900 194" role="img" aria-label="{", ".join(names)}">'
        f'<text x="0" y="11">{most}</text>{legend}{"".join(parts)}</svg>'
    )


def _bars(counts: Mapping[str, int]) -> str:
    if not any(counts.values()):
        return ""
    most = max(counts.values())
    rows = "".join(
        f'<text x="0" y="{place * 26 + 17}">{escape(name)}</text>'
        f'<rect x="200" y="{place * 26 + 4}" width="{600 * count / most:.1f}" height="18" '
        f'fill="{_COLOURS[1]}"/><text x="{210 + 600 * count / most:.1f}" '
        f'y="{place * 26 + 17}">{count}</text>'
        for place, (name, count) in enumerate(counts.items())
    )
    said = ", ".join(f"{name} {count}" for name, count in counts.items())
    high = len(counts) * 26
    return f'<svg viewBox="0 0 900 {high}" role="img" aria-label="{escape(said)}">{rows}</svg>'


def _seconds(spread: Spread, language: Language) -> str:
    if spread.p50 is None:
        return "–"
    minutes, seconds = divmod(round(spread.p50), 60)
    key = "minutes_seconds" if minutes else "seconds"
    return desk_text(language, key).format(minutes=minutes, seconds=seconds)
