"""The smoke set with the real model: every tool, no tool, guests, injections, three languages."""

from pathlib import Path

import pytest

from assistant.evaluation.replay import replay
from assistant.evaluation.transcripts import read_transcripts

SMOKE = Path(__file__).parents[1] / "transcripts" / "smoke.jsonl"


@pytest.mark.model
@pytest.mark.timeout(900)
def test_the_smoke_set(grocer):
    transcripts = read_transcripts(SMOKE)
    assert len(transcripts) >= 60
    answer = replay(grocer.session, transcripts)
    metrics = answer["metrics"]
    failed = [
        (each["id"], each["text"], each["tools"], each["failures"])
        for each in answer["turn_results"]
        if each["failures"]
    ]
    assert metrics["tool_accuracy"][0] >= 0.90, failed
    assert metrics["valid_decision_rate"][0] == 1.0, failed
    assert metrics["grounded_rate"][0] == 1.0, failed
