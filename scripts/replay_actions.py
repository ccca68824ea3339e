"""Apply the gold actions of retail tasks to a fresh copy of the shop each, and keep what is left.

    python scripts/replay_actions.py FOLDER TASKS.jsonl OUT

FOLDER is a shop folder of `aisle import tau2-retail`, TASKS the tasks of tau2-bench or tau-bench
(.gz or not). OUT gets one ID.json.gz for each task, its final state in the form of the
benchmark's db.json, and summary.json: the tasks, the writes, and each refusal with its rule.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from assistant.errors import AisleError
from assistant.evaluation.actions import ACTIONS, Replayer, read_tasks
from assistant.progress import Bars, silent
from assistant.shop.catalogue import Catalogue
from assistant.shop.ingest import ingest


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("tasks", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument(
        "--as-tau2",
        action="store_true",
        help="write modified items as tau2-bench's own tool leaves them (docs/orders.md)",
    )
    given = parser.parse_args()
    try:
        summary = replay(given.folder, given.tasks, given.out, as_tau2=given.as_tau2)
    except AisleError as error:
        print(f"replay_actions: {error.message}", file=sys.stderr)
        return error.exit_code
    print(json.dumps(summary | {"refused": len(summary["refused"])}))
    return 0


def replay(folder: Path, tasks_file: Path, out: Path, *, as_tau2: bool = False) -> dict:
    tasks = read_tasks(tasks_file)
    bars = Bars()
    out.mkdir(parents=True, exist_ok=True)
    refused = []
    with tempfile.TemporaryDirectory() as scratch:
        database = Path(scratch) / "shop.db"
        ingest(folder, database, silent)
        replayer = Replayer(folder, Catalogue(database))
        for done, task in enumerate(tasks, 1):
            state, refusals = replayer.replay(task, as_tau2=as_tau2)
            name = re.sub(r"[^\w.-]", "_", task.task_id)
            with gzip.open(out / f"{name}.json.gz", "wt", 1, encoding="utf-8") as file:
                json.dump(state, file)
            refused += [{"task": task.task_id} | asdict(each) for each in refusals]
            bars("Replaying tasks", done, len(tasks))
        replayer.close()
    summary = {
        "tasks": len(tasks),
        "writes": sum(name in ACTIONS for task in tasks for name, _ in task.actions),
        "tasks_with_a_refusal": len({each["task"] for each in refused}),
        "refused": refused,
    }
    (out / "summary.json").write_text(json.dumps(summary, indent=1, ensure_ascii=False))
    return summary


if __name__ == "__main__":
    sys.exit(main())
