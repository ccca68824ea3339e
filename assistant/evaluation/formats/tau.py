"""Retail trajectories of tau-bench and tau2-bench (Yao et al. 2024, Barres et al. 2025).

tau2's have `messages` with tool calls, beside `task_id` and `reward`; tau-bench's few-shot file
has `transcript`, the same as display text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from assistant.evaluation.formats import messages
from assistant.evaluation.formats.dialogue import Said, paired
from assistant.evaluation.transcripts import Malformed, Transcript

TRANSFER = "transfer_to_human_agents"
_LABEL = re.compile(r"^(user|assistant|tool|system): ?", re.MULTILINE)


def fits(record: Mapping[str, Any]) -> bool:
    return ("messages" in record and "task_id" in record) or "transcript" in record


def transcript(record: Mapping[str, Any], where: str) -> Transcript:
    """Raises Malformed naming the field."""
    name = str(record.get("id", where))
    if "transcript" in record:
        if not isinstance(record["transcript"], str):
            raise Malformed("transcript", "must be a text")
        return Transcript(name, None, paired(_displayed(record["transcript"])), "tau1")
    said = []
    for place, message in enumerate(record["messages"], 1):
        each = messages.said(message, f"messages[{place}]")
        if each:
            handoff = any(called == TRANSFER for called, _ in each.calls)
            said.append(Said(each.by_shopper, each.text, each.calls, handoff))
    return Transcript(name, None, paired(said), str(record["task_id"]))


def _displayed(text: str) -> list[Said]:
    """The utterances of display text; a tool's answer is nothing that was said."""
    _, *parts = _LABEL.split(text)
    said = []
    for label, content in zip(parts[::2], parts[1::2], strict=True):
        words = "" if content.strip() == "None" else content.strip()
        if label in ("user", "assistant"):
            said.append(Said(label == "user", words))
    return said
