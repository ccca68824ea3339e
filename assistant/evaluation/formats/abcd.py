"""ABCD, Action-Based Conversations Dataset (Chen et al. 2021): chats of a clothing shop's support.

A JSON list (of a sample) or a list by split; each conversation has `original` [speaker, text] and
`delexed` turns whose targets name the agent's action. "notify-team" is its hand-off.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assistant.evaluation.formats.dialogue import Said, paired
from assistant.evaluation.transcripts import Malformed, Transcript

HANDOFF = "notify-team"


def fits(record: Mapping[str, Any]) -> bool:
    return "convo_id" in record and "original" in record


def transcript(record: Mapping[str, Any], where: str) -> Transcript:
    """Raises Malformed naming the field."""
    original = record.get("original")
    if not isinstance(original, list):
        raise Malformed("original", "must be a list of [speaker, text]")
    targets = [each.get("targets") for each in record.get("delexed") or ()]
    said = []
    for place, utterance in enumerate(original):
        if not (isinstance(utterance, list) and len(utterance) == 2):
            raise Malformed(f"original[{place + 1}]", f"is {utterance!r}, not [speaker, text]")
        speaker, text = map(str, utterance)
        target = targets[place] if place < len(targets) else None
        if speaker == "action":
            if target:
                call = str(target[2]), {"values": list(target[3])}
                said.append(Said(False, calls=(call,), handoff=target[2] == HANDOFF))
        elif speaker in ("agent", "customer"):
            said.append(Said(speaker == "customer", text))
        else:
            raise Malformed(f"original[{place + 1}]", f"has the unknown speaker {speaker!r}")
    scenario = record.get("scenario") or {}
    return Transcript(
        str(record.get("convo_id", where)), None, paired(said), str(scenario.get("subflow", ""))
    )
