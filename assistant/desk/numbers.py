"""A team lead's numbers, from the record of hand-offs and turns.

Involvement (a person was asked for) and resolution (a colleague marked it resolved) are counted
apart: a conversation that nobody was asked into is not thereby resolved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from assistant.database import Database, conversations, turns
from assistant.desk.tables import handoffs


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds: median and 95th percentile by nearest rank; None for none."""

    count: int
    p50: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class Day:
    day: str
    conversations: int
    handoffs: int
    resolved: int


@dataclass(frozen=True, slots=True)
class Numbers:
    """Of conversations begun, and hand-offs asked for, since `since`."""

    since: datetime
    waiting: int
    with_staff: int
    conversations: int
    """With at least one message."""
    involved: int
    """Of them, those in which a person was asked for or took over."""
    resolved: int
    """Hand-offs that ended as resolved by a colleague."""
    returned: int
    withdrawn: int
    first_response: Spread
    """From asking for a person to a colleague's first word."""
    claim: Spread
    """From asking to somebody having it."""
    handling: Spread
    """From having it to its end."""
    late: int
    """First responses later than the desk aims at, and those still due after it."""
    reasons: dict[str, int]
    ratings: dict[int, int]
    """Stars of resolved hand-offs."""
    thumbs: dict[int, int]
    """Of the assistant's own turns: 1 and -1."""
    days: tuple[Day, ...]

    @property
    def without_a_person(self) -> float | None:
        """The share of conversations in which no person was involved."""
        if not self.conversations:
            return None
        return 1 - self.involved / self.conversations


def numbers_of(database: Database, since: datetime, answer_within: timedelta) -> Numbers:
    """Read in one moment of the database; `since` with its time zone."""
    now = datetime.now(UTC)
    said = sa.exists().where(turns.c.conversation_id == conversations.c.conversation_id)
    involved = sa.exists().where(handoffs.c.conversation_id == conversations.c.conversation_id)
    with database.read() as connection:
        begun = connection.execute(
            sa.select(conversations.c.started_at, involved.label("involved")).where(
                conversations.c.started_at >= since, said | involved
            )
        ).all()
        rows = connection.execute(sa.select(handoffs).where(handoffs.c.asked_at >= since)).all()
        open_now = connection.execute(
            sa.select(handoffs.c.staff_id).where(handoffs.c.ended_at.is_(None))
        ).all()
        thumbs = connection.execute(
            sa.select(turns.c.rating, sa.func.count())
            .join(conversations)
            .where(turns.c.rating != 0, conversations.c.started_at >= since)
            .group_by(turns.c.rating)
        ).all()
    outcomes = Counter(row.outcome for row in rows)
    first = [(row.answered_at - row.asked_at).total_seconds() for row in rows if row.answered_at]
    still = [now - row.asked_at for row in rows if not row.answered_at and not row.ended_at]
    days: dict[str, list[int]] = {}
    for row in begun:
        days.setdefault(row.started_at.date().isoformat(), [0, 0, 0])[0] += 1
    for each in rows:
        days.setdefault(each.asked_at.date().isoformat(), [0, 0, 0])[1] += 1
        if each.outcome == "resolved":
            days.setdefault(each.ended_at.date().isoformat(), [0, 0, 0])[2] += 1
    return Numbers(
        since=since,
        waiting=sum(row.staff_id is None for row in open_now),
        with_staff=sum(row.staff_id is not None for row in open_now),
        conversations=len(begun),
        involved=sum(bool(row.involved) for row in begun),
        resolved=outcomes["resolved"],
        returned=outcomes["returned"],
        withdrawn=outcomes["withdrawn"],
        first_response=_spread(first),
        claim=_spread(
            [(row.claimed_at - row.asked_at).total_seconds() for row in rows if row.claimed_at]
        ),
        handling=_spread(
            [
                (row.ended_at - row.claimed_at).total_seconds()
                for row in rows
                if row.ended_at and row.claimed_at
            ]
        ),
        late=sum(seconds > answer_within.total_seconds() for seconds in first)
        + sum(waited > answer_within for waited in still),
        reasons=dict(Counter(row.reason for row in rows).most_common()),
        ratings=dict(sorted(Counter(row.rating for row in rows if row.rating).items())),
        thumbs={int(rating): int(count) for rating, count in thumbs},
        days=tuple(Day(day, *counts) for day, counts in sorted(days.items())),
    )


def prometheus(numbers: Numbers) -> list[str]:
    """The present of the desk in Prometheus's text format, names under `aisle_desk_`."""
    lines = [
        f"aisle_desk_waiting {numbers.waiting}",
        f"aisle_desk_with_staff {numbers.with_staff}",
        f"aisle_desk_conversations {numbers.conversations}",
        f"aisle_desk_involved {numbers.involved}",
        f"aisle_desk_late {numbers.late}",
    ]
    for outcome in ("resolved", "returned", "withdrawn"):
        lines.append(f'aisle_desk_ended{{outcome="{outcome}"}} {getattr(numbers, outcome)}')
    for name in ("first_response", "claim", "handling"):
        spread: Spread = getattr(numbers, name)
        for quantile, value in (("0.5", spread.p50), ("0.95", spread.p95)):
            if value is not None:
                lines.append(f'aisle_desk_{name}_seconds{{quantile="{quantile}"}} {value:.3f}')
    # A reason is a word of ours, or what `states` made of something else: quotes are escaped.
    for reason, count in numbers.reasons.items():
        safe = reason.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        lines.append(f'aisle_desk_handoffs{{reason="{safe}"}} {count}')
    lines += [f'aisle_desk_rated{{stars="{s}"}} {count}' for s, count in numbers.ratings.items()]
    return lines


def _spread(seconds: Sequence[float]) -> Spread:
    ordered = sorted(seconds)
    if not ordered:
        return Spread(0, None, None)

    def rank(share: float) -> float:
        return ordered[max(0, -(-int(share * 100) * len(ordered) // 100) - 1)]

    return Spread(len(ordered), rank(0.5), rank(0.95))
