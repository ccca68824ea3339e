"""The report: opens offline, leads to the worst turns, shows hostile text as text."""

import re

import pytest

from assistant.evaluation.replay import replay
from assistant.evaluation.report import report, write_report
from assistant.evaluation.transcripts import ExpectedTurn, Transcript
from tests.evaluation.scripted import (
    PERFECT,
    SET,
    RoutedModel,
    saying,
    spoiled,
    tiny_checks,
    tiny_stage,
)

HOSTILE = '</style><script>alert(1)</script><img src="http://evil.example/x">'


@pytest.fixture(scope="module")
def document(shop):
    asks = (*SET, Transcript(HOSTILE, None, (ExpectedTurn(HOSTILE, {"tools": ["view_cart"]}),)))
    stage = tiny_stage(shop, RoutedModel({**PERFECT, "thanks!": {"tool": "view_cart"}}))
    try:
        lie = spoiled(stage, "hm", saying("It is $1.23 and we will e-mail you."))
        found = replay(lie, tiny_checks(shop), asks)
    finally:
        stage.close()
    run = {"model": "scripted", "data": "set.jsonl", "machine": {"cores": 2}}
    return {"run": run, "problems": ["line 3: <b>"], **found}


def test_it_holds_no_address_of_another_host_and_no_script(document):
    page = report(document)
    assert not re.search(r"<script|<link|<img|@import|url\(", page)
    assert re.findall(r'(?:src|href)="([^#][^"]*)"', page) == []


def test_what_shoppers_wrote_is_text(document):
    page = report(document)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert page.count("<style>") == page.count("</style>") == 1


def test_the_worst_turn_comes_first_and_every_link_has_its_end(document):
    page = report(document)
    worst = page.split("worst turns</h2>")[1].split("</table>")[0]
    assert worst.index("ungrounded_price") < worst.index("wrong_tool")
    ends = set(re.findall(r'id="([^"]+)"', page))
    links = set(re.findall(r'href="#([^"]+)"', page))
    assert links
    assert links <= ends


def test_each_failure_metric_and_turn_is_in_it(document):
    page = report(document)
    for name in [*document["failures"], "tool_accuracy", "pass_1", "handoff_recall"]:
        assert name in page
    assert page.count('<section id="t-') == document["turns"]
    assert "line 3: &lt;b&gt;" in page


@pytest.mark.browser
def test_a_browser_without_a_network_finds_the_worst_turn(document, tmp_path, chromium):
    path = tmp_path / "report.html"
    write_report(document, path)
    context = chromium.new_context(offline=True)
    page = context.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    first = page.locator("table.worst a").first
    assert first.is_visible()
    first.click()
    shown = page.locator("section.turn:target")
    assert "ungrounded_price" in shown.inner_text()
    assert "It is $1.23" in shown.inner_text()
    assert page.locator("svg").count() >= 4
    assert asked == [path.as_uri()]
    context.close()
