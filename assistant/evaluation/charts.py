"""Plots as SVG text: they stand in a page that opens without a network, in light and dark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

_LABEL = 190
_ROW = 24


def intervals(rows: Mapping[str, Sequence[float]]) -> str:
    """Rates as dots on a scale from 0 to 1, each with its interval: name -> value, low, high."""
    width, left, right = 720, _LABEL, 560
    height = _ROW * len(rows) + 26
    parts = [
        f'<line class="grid" x1="{_at(tick, left, right):.0f}" y1="4" '
        f'x2="{_at(tick, left, right):.0f}" y2="{height - 20}"/>'
        f'<text class="tick" x="{_at(tick, left, right):.0f}" y="{height - 6}">{tick:g}</text>'
        for tick in (0, 0.25, 0.5, 0.75, 1)
    ]
    for place, (name, (value, low, high)) in enumerate(rows.items()):
        y = _ROW * place + 16
        parts.append(
            f'<text class="label" x="{left - 10}" y="{y + 4}">{escape(name)}</text>'
            f'<line class="whisker" x1="{_at(low, left, right):.1f}" y1="{y}" '
            f'x2="{_at(high, left, right):.1f}" y2="{y}"/>'
            f'<circle class="{"dot" if value >= 1 else "dot less"}" '
            f'cx="{_at(value, left, right):.1f}" cy="{y}" r="4.5"/>'
            f'<text class="value" x="{right + 14}" y="{y + 4}">'
            f"{value:.3f} [{low:.3f}, {high:.3f}]</text>"
        )
    return _svg(width, height, parts, "Rates with 95 % intervals")


def bars(rows: Mapping[str, int], total: int, title: str = "Failures by name") -> str:
    """Counts as bars: name -> count of `total`; failures link to the first turn that has them."""
    linked = title == "Failures by name"
    width, left, right = 720, _LABEL, 640
    top = max(rows.values(), default=1)
    parts = []
    for place, (name, count) in enumerate(rows.items()):
        y = _ROW * place + 6
        length = max(2.0, (right - left) * count / top)
        parts.append(
            (f'<a href="#fail-{escape(name)}">' if linked else "<g>")
            + f'<text class="label link" x="{left - 10}" y="{y + 13}">{escape(name)}</text>'
            f'<rect class="bar" x="{left}" y="{y}" width="{length:.1f}" height="16" rx="2"/>'
            f'<text class="value" x="{left + length + 8:.1f}" y="{y + 13}">'
            f"{count:,} ({count / max(total, 1):.1%})</text>" + ("</a>" if linked else "</g>")
        )
    return _svg(width, _ROW * len(rows) + 8, parts, title)


def histogram(values: Sequence[float], marks: Mapping[str, float], unit: str = "s") -> str:
    """How values from 0 on are spread, in up to 30 bins of a round width; `marks` are named lines.

    The last bin also holds what lies beyond the 99th percentile.
    """
    width, height, left, bottom = 720, 190, 46, 158
    ordered = sorted(values)
    most = ordered[min(len(ordered) - 1, math.ceil(len(ordered) * 0.99))]
    step = _round_step(max(most, 1e-3) / 24)
    bins = [0] * (max(1, math.ceil(most / step)) + 1)
    for value in values:
        bins[min(int(value / step), len(bins) - 1)] += 1
    pitch = (width - left - 20) / len(bins)
    top = max(bins)
    parts = [
        f'<rect class="bar" x="{left + place * pitch:.1f}" '
        f'y="{bottom - 120 * count / top:.1f}" width="{max(pitch - 1.5, 1):.1f}" '
        f'height="{120 * count / top:.1f}"><title>{place * step:.2f} to '
        f"{(place + 1) * step:.2f} {unit}: {count}</title></rect>"
        for place, count in enumerate(bins)
        if count
    ]
    every = max(1, len(bins) // 8)
    parts += [
        f'<text class="tick" x="{left + place * pitch:.1f}" y="{bottom + 16}">'
        f"{place * step:g}</text>"
        for place in range(0, len(bins) + 1, every)
    ]
    parts.append(
        f'<line class="axis" x1="{left}" y1="{bottom}" x2="{width - 20}" y2="{bottom}"/>'
        f'<text class="tick" x="{left - 6}" y="42" style="text-anchor:end">{top}</text>'
        f'<text class="tick" x="{width - 10}" y="{bottom + 30}" style="text-anchor:end">'
        f"{escape(unit)}</text>"
    )
    for row, (name, value) in enumerate(marks.items()):
        x = left + min(value / step, len(bins)) * pitch
        parts.append(
            f'<line class="mark" x1="{x:.1f}" y1="{14 + 14 * row}" x2="{x:.1f}" y2="{bottom}"/>'
            f'<text class="value" x="{x + 5:.1f}" y="{20 + 14 * row}">'
            f"{escape(name)} {value:.2f} {escape(unit)}</text>"
        )
    return _svg(width, height, parts, f"Distribution of {', '.join(marks)}")


def matrix(cells: Mapping[tuple[str, str], int]) -> str:
    """Counts by row and column as a table; the darker, the larger its share of the row."""
    names = sorted({name for pair in cells for name in pair})
    heads = "".join(f"<th><span>{escape(name)}</span></th>" for name in names)
    rows = []
    for row in names:
        total = sum(cells.get((row, column), 0) for column in names)
        if not total:
            continue
        line = []
        for column in names:
            count = cells.get((row, column), 0)
            share = count / total
            kind = "right" if row == column else "wrong"
            shade = f' class="{kind}" style="--share:{share:.2f}"' if count else ""
            line.append(f"<td{shade}>{count or ''}</td>")
        rows.append(f"<tr><th>{escape(row)}</th>{''.join(line)}<td class=sum>{total}</td></tr>")
    return (
        f'<table class="matrix"><thead><tr><td></td>{heads}<th><span>turns</span></th></tr>'
        f"</thead><tbody>{''.join(rows)}</tbody></table>"
    )


def _at(value: float, left: int, right: int) -> float:
    return left + (right - left) * value


def _round_step(step: float) -> float:
    scale = 10.0 ** math.floor(math.log10(step))
    return next(each * scale for each in (1, 2, 5, 10) if each * scale >= step)


def _svg(width: int, height: int, parts: Sequence[str], title: str) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}" '
        f'style="max-width:{width}px">{"".join(parts)}</svg>'
    )
