"""Many conversations with colleagues at once: how long a message takes to reach the other side.

A shopper's and a colleague's stream stay open for each conversation, over real sockets to a server
in a process of its own, with a model that is not there (no message asks it). Measured from sending
to hearing it in the other's stream, both ways. In the middle the server is killed and started
again: every message that was acknowledged must be there afterwards, once and in one order.

    python scripts/bench_desk.py [--conversations 200] [--messages 2] [--runs 3] [--out FILE.json]

The plot beside the figures, FILE.svg, needs matplotlib: `pip install aisle[bench]`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from matplotlib.figure import Figure

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "a long enough password"
BOUND_MS = 300.0
PACE = 0.02
"""Seconds between messages: 50 a second over all conversations."""

SERVER = """
import sys, uvicorn
from pathlib import Path
from assistant.desk.desk import Rules
from assistant.web.api import create_app
from tests.tinyapp import ScriptedModel, tiny_session, tiny_shop
home, port = Path(sys.argv[1]), int(sys.argv[2])
shop = tiny_shop(home)
session = tiny_session(shop, f"sqlite:///{home / 'conversations.db'}", ScriptedModel(),
                       rules=Rules(capacity=10_000))
if not session.desk.staff.everyone():
    session.desk.staff.add("Ann", "a long enough password", "admin")
uvicorn.run(create_app(session), host="127.0.0.1", port=port, log_level="error",
            timeout_graceful_shutdown=1)
"""


class Talk:
    """One conversation with both of its streams."""

    def __init__(self, address: str, colleague: httpx.AsyncClient) -> None:
        self.shopper = httpx.AsyncClient(base_url=address, timeout=30)
        self.colleague = colleague
        self.id = ""
        self.sent: dict[str, float] = {}
        self.acknowledged: list[str] = []
        self.heard: dict[str, dict[str, float]] = {"shopper": {}, "colleague": {}}
        self.listening = {"shopper": asyncio.Event(), "colleague": asyncio.Event()}
        self.tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        begun = await self.shopper.post("/api/v1/conversations", json={})
        self.id = begun.raise_for_status().json()["conversation_id"]
        await self.shopper.post(f"/api/v1/conversations/{self.id}/handoff")
        claim = await self.colleague.post(f"/api/v1/desk/conversations/{self.id}/claim")
        claim.raise_for_status()
        self.listen()

    def listen(self) -> None:
        for side, client, path in (
            ("shopper", self.shopper, f"/api/v1/conversations/{self.id}/events"),
            ("colleague", self.colleague, f"/api/v1/desk/conversations/{self.id}/events"),
        ):
            self.tasks.append(asyncio.create_task(self._hear(side, client, path)))

    async def _hear(self, side: str, client: httpx.AsyncClient, path: str) -> None:
        """As a browser does: when the line is lost, come again."""
        while True:
            try:
                async with client.stream("GET", path, timeout=None) as stream:
                    name = ""
                    async for line in stream.aiter_lines():
                        if line.startswith("event: "):
                            name = line[7:]
                        elif line.startswith("data: "):
                            now = time.perf_counter()
                            document = json.loads(line[6:])
                            self.listening[side].set()
                            turns = document.get("turns") if name == "conversation" else None
                            if name == "TurnFinished":
                                turns = [document["turn"]]
                            for turn in turns or ():
                                self.heard[side].setdefault(turn["text"], now)
            except httpx.HTTPError:
                self.listening[side].clear()
                await asyncio.sleep(0.3)

    async def say(self, by: str, text: str) -> None:
        self.sent[text] = time.perf_counter()
        if by == "shopper":
            path, client = f"/api/v1/conversations/{self.id}/messages", self.shopper
        else:
            path, client = f"/api/v1/desk/conversations/{self.id}/reply", self.colleague
        try:
            answer = await client.post(path, json={"text": text})
        except httpx.HTTPError:
            return  # the server was killed: nobody was told that it is kept
        if answer.status_code in (201, 202):
            self.acknowledged.append(text)

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.shopper.aclose()


def start_server(home: Path, port: int) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(home), str(port)], cwd=ROOT, env=environment
    )
    for _ in range(600):
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2).status_code == 200:
                return server
        except httpx.HTTPError:
            time.sleep(0.1)
    server.kill()
    raise SystemExit("the server did not start within a minute")


async def messages(talks: list[Talk], count: int, label: str) -> None:
    """Both sides of every conversation write in turn, at an even pace."""
    pending = []
    for number in range(count):
        for by in ("shopper", "colleague"):
            for talk in talks:
                pending.append(asyncio.create_task(talk.say(by, f"{label} {by} {number}")))
                await asyncio.sleep(PACE)
    await asyncio.gather(*pending)
    await asyncio.sleep(1)


def delays(talks: list[Talk], label: str) -> list[float]:
    """Milliseconds from sending to the other side's hearing it, of what was acknowledged."""
    found = []
    for talk in talks:
        for text in talk.acknowledged:
            if text.startswith(label):
                other = "colleague" if " shopper " in text else "shopper"
                found.append((talk.heard[other][text] - talk.sent[text]) * 1000)
    return found


async def measure(home: Path, port: int, conversations: int, count: int) -> dict[str, Any]:
    address = f"http://127.0.0.1:{port}"
    server = start_server(home, port)
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=address, timeout=30, limits=limits) as colleague:
        login = {"name": "Ann", "password": PASSWORD}
        (await colleague.post("/api/v1/desk/login", json=login)).raise_for_status()
        talks = [Talk(address, colleague) for _ in range(conversations)]
        for talk in talks:
            await talk.open()
        await asyncio.gather(*(e.wait() for talk in talks for e in talk.listening.values()))
        await messages(talks, count, "before")
        before = delays(talks, "before")

        # Killed while messages are on their way, then the same again.
        writing = asyncio.create_task(messages(talks, 1, "during"))
        await asyncio.sleep(conversations * PACE)
        server.send_signal(signal.SIGKILL)
        server.wait()
        killed = time.perf_counter()
        server = await asyncio.to_thread(start_server, home, port)
        await writing
        await asyncio.gather(*(e.wait() for talk in talks for e in talk.listening.values()))
        recovered = time.perf_counter() - killed
        await messages(talks, 1, "after")
        after = delays(talks, "after")

        lost = doubled = misordered = acknowledged = 0
        for talk in talks:
            shoppers = (await talk.shopper.get(f"/api/v1/conversations/{talk.id}")).json()
            desks = (await colleague.get(f"/api/v1/desk/conversations/{talk.id}")).json()
            kept = [turn["text"] for turn in shoppers["turns"]]
            acknowledged += len(talk.acknowledged)
            lost += len(set(talk.acknowledged) - set(kept))
            doubled += len(kept) - len(set(kept))
            misordered += kept != [turn["text"] for turn in desks["turns"]]
            await talk.close()
    server.send_signal(signal.SIGTERM)
    server.wait()
    return {
        "messages": len(before) + len(after),
        "delays_ms": [round(each, 2) for each in sorted(before)],
        "acknowledged": acknowledged,
        "p50_ms": round(statistics.median(before), 1),
        "p95_ms": round(sorted(before)[int(0.95 * len(before))], 1),
        "max_ms": round(max(before), 1),
        "after_restart_p95_ms": round(sorted(after)[int(0.95 * len(after))], 1),
        "recovered_seconds": round(recovered, 1),
        "lost": lost,
        "doubled": doubled,
        "misordered": misordered,
    }


def spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


def draw(runs: list[list[float]], file: Path) -> None:
    """The share of messages that were heard within so many milliseconds, a line a run."""
    figure = Figure(figsize=(7, 3.2), layout="constrained")
    axes = figure.subplots()
    for number, delays in enumerate(runs, 1):
        share = [(place + 1) / len(delays) for place in range(len(delays))]
        axes.step(delays, share, where="post", label=f"run {number}")
    axes.axvline(BOUND_MS, color="grey", linestyle="--", label="bound of the 95th percentile")
    axes.axhline(0.95, color="grey", linewidth=0.5)
    axes.set_xscale("log")
    axes.set_xlabel("milliseconds from sending to the other side")
    axes.set_ylabel("share of messages")
    axes.legend()
    figure.savefig(file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--conversations", type=int, default=200)
    parser.add_argument("--messages", type=int, default=2, help="of each side, before the restart")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--out", type=Path, default=ROOT / "docs/benchmarks/desk.json")
    given = parser.parse_args()
    rows: list[dict[str, Any]] = []
    heard: list[list[float]] = []
    for number in range(given.runs):
        with tempfile.TemporaryDirectory() as home, socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
            free.close()
            rows.append(asyncio.run(measure(Path(home), port, given.conversations, given.messages)))
        heard.append(rows[-1].pop("delays_ms"))
        print(f"run {number + 1}: {rows[-1]}", file=sys.stderr)
    p95 = spread([row["p95_ms"] for row in rows])
    given.out.parent.mkdir(parents=True, exist_ok=True)
    draw(heard, given.out.with_suffix(".svg"))
    document = {
        "conversations": given.conversations,
        "cores": os.cpu_count(),
        "pace_per_second": round(1 / PACE),
        "bound_ms": BOUND_MS,
        "p50_ms": spread([row["p50_ms"] for row in rows]),
        "p95_ms": p95,
        "recovered_seconds": spread([row["recovered_seconds"] for row in rows]),
        "lost": sum(row["lost"] for row in rows),
        "doubled": sum(row["doubled"] for row in rows),
        "misordered": sum(row["misordered"] for row in rows),
        "ratio_to_bound": round(p95["median"] / BOUND_MS, 3),
        "runs": rows,
    }
    given.out.write_text(json.dumps(document, indent=1) + "\n")
    print(json.dumps(document))


if __name__ == "__main__":
    main()
