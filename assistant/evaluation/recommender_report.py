"""The report of `aisle evaluate recommender`: one HTML file that opens offline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from typing import Any

_ASKED = {
    "next_basket": "The next basket, whole",
    "new_items": "What is new to the shopper in it",
    "cold": "A shopper nobody knows, after three events",
    "cross_domain": "A department where the shopper's history is hidden",
}
_COLUMNS = ("precision", "recall", "f1", "ndcg", "hit_rate", "coverage", "novelty", "diversity")
_ROW, _LEFT, _RIGHT, _WIDTH = 24, 170, 600, 720


def recommender_report(document: Mapping[str, Any]) -> str:
    """The page of a document of `recommender.evaluate`."""
    style = resources.files(__package__).joinpath("report.css").read_text(encoding="utf-8")
    title = f"Recommender · {document['data']}"
    tasks = dict.fromkeys(row["task"] for row in document["rows"])
    sections = [_task(document, task) for task in tasks]
    if document["diversity_dial"]:
        sections.append(_dial(document["diversity_dial"]))
    if not tasks:
        sections.append("<p>No customer has five baskets: there is nothing to ask.</p>")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{style}</style></head><body><main>"
        f"<h1>{escape(title)}</h1><p>{escape(document['split'])}; seed {document['seed']}; "
        f"{document['items']:,} items. Intervals are 95 %, by resampling shoppers; nDCG has its "
        "ideal truncated at k; F1 is that of the mean precision and the mean recall.</p>"
        f"{''.join(sections)}</main></body></html>"
    )


def _task(document: Mapping[str, Any], task: str) -> str:
    rows = [row for row in document["rows"] if row["task"] == task]
    chosen = document["selected"].get(task)
    tens = sorted((row for row in rows if row["k"] == 10), key=lambda row: -row["recall"])
    dots = [
        (row["model"] + (" *" if row["model"] == chosen else ""), row["recall"], *row["recall_ci"])
        for row in tens
    ]
    order = [row["model"] for row in tens]
    table = _table(sorted(rows, key=lambda row: (row["k"], order.index(row["model"]))))
    return (
        f"<section><h2>{escape(_ASKED[task])}</h2>"
        f"<p>{tens[0]['users']:,} asked; recall at 10; * is what the shop uses.</p>"
        f"{dots_with_intervals(dots)}<details><summary>All figures at 5, 10 and 20</summary>"
        f"{table}</details></section>"
    )


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    head = "".join(f"<th>{name}</th>" for name in ("model", "k", *_COLUMNS))
    body = "".join(
        f"<tr><td>{escape(row['model'])}</td><td>{row['k']}</td>"
        + "".join(f"<td>{row[name]:.4f}</td>" for name in _COLUMNS)
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _dial(rows: Sequence[Mapping[str, Any]]) -> str:
    tens = [row for row in rows if row["k"] == 10]
    dots = [
        (f"dial {row['dial']:g} ({row['diversity']:.3f})", row["recall"], *row["recall_ci"])
        for row in tens
    ]
    return (
        "<section><h2>What diversity costs</h2><p>Recall at 10 of what is new, by the dial of "
        "diversity; in brackets the share of pairs in a list from different shelves.</p>"
        f"{dots_with_intervals(dots)}</section>"
    )


def dots_with_intervals(rows: Sequence[tuple[str, float, float, float]]) -> str:
    """Values as dots with their intervals, on a scale from 0 to the highest: name, value, ends."""
    top = max((high for _, _, _, high in rows), default=1) or 1
    height = _ROW * len(rows) + 24

    def at(value: float) -> float:
        return _LEFT + (_RIGHT - _LEFT) * value / top

    parts = [
        f'<text class="tick" x="{at(share * top):.0f}" y="{height - 6}">{share * top:.3f}</text>'
        for share in (0, 0.5, 1)
    ]
    for place, (name, value, low, high) in enumerate(rows):
        y = _ROW * place + 14
        parts.append(
            f'<text class="label" x="{_LEFT - 10}" y="{y + 4}">{escape(name)}</text>'
            f'<line class="whisker" x1="{at(low):.1f}" y1="{y}" x2="{at(high):.1f}" y2="{y}"/>'
            f'<circle class="dot" cx="{at(value):.1f}" cy="{y}" r="4"/>'
            f'<text class="value" x="{_RIGHT + 12}" y="{y + 4}">{value:.4f}</text>'
        )
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="Values with intervals" '
        f'style="max-width:{_WIDTH}px">{"".join(parts)}</svg>'
    )
