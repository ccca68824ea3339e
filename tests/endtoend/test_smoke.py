"""The smoke set with the real model: every tool, no tool, guests, injections, three languages."""

import json
from pathlib import Path

import pytest

SMOKE = Path(__file__).parents[1] / "transcripts" / "smoke.jsonl"


@pytest.mark.model
@pytest.mark.timeout(900)
def test_the_smoke_set(aisle):
    """Model calls that an earlier run made on the same content are not made again."""
    answer = json.loads(aisle("evaluate", "transcripts", str(SMOKE), "--json"))
    assert answer["turns"] >= 60
    assert answer["problems"] == []
    metrics = answer["metrics"]
    failed = [
        (each["id"], each["text"], each["tools"], each["failures"])
        for each in answer["turn_results"]
        if each["failures"]
    ]
    assert metrics["tool_accuracy"][0] >= 0.90, failed
    assert metrics["valid_decision_rate"][0] == 1.0, failed
    assert metrics["grounded_rate"][0] == 1.0, failed
