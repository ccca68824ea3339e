"""The report of a run: one HTML file that opens offline and shows the worst turns first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

from assistant.evaluation.charts import bars, histogram, intervals, matrix
from assistant.evaluation.checks import FAILURES
from assistant.evaluation.runs import write_text
from assistant.evaluation.statistics import quantile

WORST = 10
SEVERITY: Mapping[str, int] = {
    **dict.fromkeys(FAILURES, 1),
    **{name: 5 for name in FAILURES if name.startswith("ungrounded_")},
    "empty_promise": 5, "limit_broken": 5, "leak": 5, "failed": 4, "wrong_cart": 4,
    "handoff_missing": 3, "invalid_decision": 3, "text_forbidden": 3, "wrong_tool": 2,
}  # fmt: skip
"""What a failure costs a shop's word, for the order of the worst turns: a lie before a detour."""

Result = Mapping[str, Any]


def write_report(document: Mapping[str, Any], path: Path) -> None:
    """Raises StorageError where the file cannot be written."""
    write_text(report(document), path)


def report(document: Mapping[str, Any]) -> str:
    """The page of a document that `aisle evaluate transcripts` made."""
    results: Sequence[Result] = document["turn_results"]
    run = document["run"]
    style = resources.files(__package__).joinpath("report.css").read_text(encoding="utf-8")
    sections = [
        _summary(document, results),
        _worst(results),
        _failures(document, results),
        _confusion(document),
        _latency(results),
        _groups(document),
        _made_of(run, document["problems"]),
        _conversations(results),
    ]
    title = f"{run['data']} · {run['model']}"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{style}</style></head><body><main>"
        f"<h1>{escape(title)}</h1>{''.join(sections)}</main></body></html>"
    )


def _summary(document: Mapping[str, Any], results: Sequence[Result]) -> str:
    metrics = document["metrics"]
    rates = {name: value for name, value in metrics.items() if isinstance(value, list)}
    bad = sum(bool(each["failures"]) for each in results)
    lead = (
        f"{document['conversations']} conversations, {document['turns']} turns"
        f"{_times(document['trials'])}. {bad} turns have a failure."
    )
    seconds = ", ".join(
        f"{name.replace('_', ' ')} {metrics[name]:.2f} s"
        for name in ("first_event_p50", "first_text_p50", "first_text_p95", "total_p50")
        if metrics[name] is not None
    )
    costs = (
        f"A turn took {metrics['model_calls']} model calls, read {metrics['tokens_read']} "
        f"and wrote {metrics['tokens_written']} tokens on average."
    )
    return (
        f"<p class=lead>{escape(lead)}</p>{intervals(rates)}"
        f"<p>{escape(seconds)}. {escape(costs)}</p>"
    )


def _times(trials: int) -> str:
    return f", each conversation {trials} times" if trials > 1 else ""


def _worst(results: Sequence[Result]) -> str:
    ranked = sorted((each for each in results if each["failures"]), key=_badness)[:WORST]
    if not ranked:
        return "<h2>The worst turns</h2><p>No turn has a failure.</p>"
    rows = "".join(
        f'<tr><td><a href="#{_anchor(each)}">{escape(each["id"])}, turn {each["turn"]}</a></td>'
        f"<td>{escape(_short(each['text']))}</td><td>{escape(_short(each['reply']))}</td>"
        f"<td>{_badges(each)}</td></tr>"
        for each in ranked
    )
    return (
        f"<h2>The {len(ranked)} worst turns</h2><table class=worst><thead><tr><th>turn<th>shopper"
        f"<th>answer<th>failures</tr></thead><tbody>{rows}</tbody></table>"
    )


def _badness(result: Result) -> tuple[int, float]:
    """Sorts the worst first; of equals, the one that took longest."""
    return -sum(SEVERITY[name] for name in result["failures"]), -(result["total"] or 0)


def _failures(document: Mapping[str, Any], results: Sequence[Result]) -> str:
    counts = dict(sorted(document["failures"].items(), key=lambda pair: -pair[1]))
    if not counts:
        return ""
    lists = "".join(
        f'<details id="fail-{escape(name)}"><summary>{escape(name)}: {count}</summary><ul>'
        + "".join(
            f'<li><a href="#{_anchor(each)}">{escape(each["id"])}, turn {each["turn"]}</a>: '
            f"{escape(_short(each['text']))} <i>{escape(each['details'].get(name, ''))}</i></li>"
            for each in results
            if name in each["failures"]
        )
        + "</ul></details>"
        for name, count in counts.items()
    )
    return f"<h2>Failures by name</h2>{bars(counts, len(results))}{lists}"


def _confusion(document: Mapping[str, Any]) -> str:
    cells = {(row["expected"], row["ran"]): row["turns"] for row in document["confusion"]}
    if not cells:
        return ""
    return (
        "<h2>Tools: expected (rows) and first run (columns)</h2>"
        f"<div class=scroll>{matrix(cells)}</div>"
    )


def _latency(results: Sequence[Result]) -> str:
    parts = []
    for key, name in (("first_text", "first text"), ("total", "whole answer")):
        values = [each[key] for each in results if each[key] is not None]
        if values:
            marks = {"median": quantile(values, 0.5) or 0, "95 %": quantile(values, 0.95) or 0}
            parts.append(f"<h3>Seconds to {name}</h3>{histogram(values, marks)}")
    return f"<h2>Latency</h2>{''.join(parts)}" if parts else ""


def _groups(document: Mapping[str, Any]) -> str:
    groups = document["groups"]
    if not groups:
        return ""
    rates = {
        f"{name} ({each['turns']})": each["tool_accuracy"] or each["clean_rate"]
        for name, each in sorted(groups.items(), key=lambda pair: pair[1]["clean_rate"][0])
    }
    return f"<h2>By group: the right tool</h2>{intervals(rates)}"


def _made_of(run: Mapping[str, Any], problems: Sequence[str]) -> str:
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>"
        for name, value in run.items()
    )
    left_out = "".join(f"<li>{escape(each)}</li>" for each in problems)
    return (
        f"<details><summary>What this run was made of</summary><table>{rows}</table></details>"
        + (f"<p>Left out:</p><ul>{left_out}</ul>" if left_out else "")
    )


def _conversations(results: Sequence[Result]) -> str:
    by_conversation: dict[tuple[str, int], list[Result]] = {}
    for each in results:
        by_conversation.setdefault((each["id"], each["trial"]), []).append(each)
    parts = ["<h2>Every conversation</h2>"]
    for (name, trial), turns in by_conversation.items():
        bad = sum(bool(each["failures"]) for each in turns)
        about = f"{name}{f', trial {trial}' if trial > 1 else ''}: {_short(turns[0]['text'])}"
        mark = f" <b class=bad>{bad} with failures</b>" if bad else ""
        parts.append(
            f"<details{' open' if bad else ''} class=chat><summary>{escape(about)}{mark}</summary>"
            f"{''.join(map(_turn, turns))}</details>"
        )
    return "".join(parts)


def _turn(each: Result) -> str:
    wanted = "; ".join(f"{name}: {value}" for name, value in each["expect"].items())
    reference = f"<p>{_text(each['reference'])}</p>" if each["reference"] else ""
    recorded = ", ".join(each["reference_tools"])
    events = _events(each)
    return (
        f'<section id="{_anchor(each)}" class="turn{" failed" if each["failures"] else ""}">'
        f"<p class=shopper>{_text(each['text'])}</p><div class=sides>"
        f"<div><h4>answered</h4>{events}<p>{_text(each['reply'])}</p></div>"
        f"<div><h4>reference</h4>"
        + (f"<p class=event>{escape(recorded)}</p>" if recorded else "")
        + f"{reference}<p class=event>{escape(wanted) or 'nothing is expected'}</p></div></div>"
        + (f"<p>{_badges(each)}</p>" if each["failures"] else "")
        + f"<p class=time>{_seconds(each)}</p></section>"
    )


def _events(each: Result) -> str:
    lines = [
        f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"
        for name, arguments in zip(each["tools"], each["arguments"], strict=True)
    ]
    lines += [f"refused: {problem}" for problem in each["problems"]]
    lines += [f"card {card['title']}, {card['price']}" for card in each["products"]]
    lines += [f"help {article}" for article in each["help"]]
    lines += [f"order {order}" for order in each["orders"]]
    lines += [f"handed off: {each['handoff']}"] if each["handoff"] else []
    return "".join(f"<p class=event>{escape(line)}</p>" for line in lines)


def _seconds(each: Result) -> str:
    named = (("first event", "first_event"), ("cards", "first_card"), ("text", "first_text"))
    parts = [f"{name} {each[key]:.2f} s" for name, key in named if each[key] is not None]
    parts.append(f"{each['model_calls']} model calls, {each['known_calls']} of them known")
    return escape(" · ".join(parts))


def _badges(each: Result) -> str:
    return _joined(
        f"<b class=bad>{escape(name)}</b> <i>{escape(_short(each['details'].get(name, '')))}</i>"
        for name in each["failures"]
    )


def _joined(parts: Iterable[str]) -> str:
    return " ".join(parts)


def _anchor(each: Result) -> str:
    name = "".join(char if char.isalnum() else "-" for char in each["id"])
    return escape(f"t-{name}-{each['trial']}-{each['turn']}")


def _text(text: str) -> str:
    return escape(text).replace("\n", "<br>")


def _short(text: str, most: int = 160) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
