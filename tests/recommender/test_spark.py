"""Spark ALS on a cluster of one master and two workers, all on this machine."""

import os
import shutil
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from recommender.errors import ExtraMissing
from recommender.factors import Factors
from recommender.interactions import Baskets
from recommender.spark import fit_factors, open_spark

QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Java starts in half the time when it does not mean to stay."""
START = datetime(2024, 1, 1, tzinfo=UTC)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """The address of a master that two workers have joined."""
    pyspark = pytest.importorskip("pyspark", reason="no pyspark: pip install 'aisle[spark]'")
    if shutil.which("java") is None:
        pytest.skip("no Java: Spark needs one, such as Debian's default-jre-headless")
    home = Path(pyspark.__file__).parent
    place = tmp_path_factory.mktemp("spark")
    env = {**os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1",
           "PYSPARK_PYTHON": sys.executable, "JAVA_TOOL_OPTIONS": QUICK}  # fmt: skip
    port = free_port()
    address = f"spark://127.0.0.1:{port}"
    started = []

    def start(kind, *arguments):
        log = (place / f"{kind}{len(started)}.log").open("w")
        command = [home / "bin" / "spark-class", f"org.apache.spark.deploy.{kind}", *arguments]
        started.append((subprocess.Popen(command, env=env, stdout=log, stderr=log), log))
        return Path(log.name)

    try:
        log = start("master.Master", "--host", "127.0.0.1", "--port", str(port),
                    "--webui-port", str(free_port()))  # fmt: skip
        for number in (1, 2):
            start("worker.Worker", "--cores", "1", "--memory", "1g", "--host", "127.0.0.1",
                  "--webui-port", str(free_port()), "--work-dir", str(place / f"w{number}"),
                  address)  # fmt: skip
        deadline = time.monotonic() + 60
        while log.read_text().count("Registering worker") < 2:
            if time.monotonic() > deadline:
                pytest.fail(f"the cluster did not come up: {log.read_text()[-2000:]}")
            time.sleep(0.2)
        yield address
    finally:
        for process, log in reversed(started):
            process.terminate()
            process.wait(20)
            log.close()


@pytest.fixture
def spark(cluster, monkeypatch):
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", QUICK)
    few = {"spark.executor.memory": "512m", "spark.sql.shuffle.partitions": "2"}
    session = open_spark(cluster, few)
    yield session
    session.stop()


def camps():
    """Sixty customers of two camps, each of whom buys six of its camp's ten products."""
    draw = np.random.default_rng(0)
    return [
        (f"c{n:02}", f"p{(n % 2) * 10 + item:02}", "purchase", 1.0, START + timedelta(days=day))
        for n in range(60)
        for day in range(2)
        for item in draw.choice(10, 5, replace=False)
    ] + [("c00", "rare", "purchase", 1.0, START), ("c01", "p00", "view", 1.0, START)]


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_the_cluster_writes_the_factors_that_the_server_loads(spark, tmp_path):
    names = ["customer_id", "product_id", "kind", "value", "at"]
    rows = pl.DataFrame(camps(), schema=names, orient="row")
    rows.write_parquet(tmp_path / "interactions.parquet")
    product_ids = tuple(sorted(set(rows["product_id"])))
    arrays = fit_factors(
        spark, str(tmp_path / "interactions.parquet"), product_ids, factors=8, epochs=3
    )
    np.savez(tmp_path / "factors.npz", **arrays)
    baskets = Baskets.of(rows.filter(kind="purchase"), product_ids)
    tastes = baskets.matrix()
    with np.load(tmp_path / "factors.npz", allow_pickle=False) as saved:
        loaded = Factors.from_arrays(dict(saved), tastes)
    scores = loaded.scores(range(60))
    assert np.isnan(scores[:, product_ids.index("rare")]).all()
    new = np.where(tastes.toarray() > 0, np.nan, scores)
    own = [np.nanmean(new[n, (n % 2) * 10 :][:10]) for n in range(60)]
    other = [np.nanmean(new[n, (1 - n % 2) * 10 :][:10]) for n in range(60)]
    assert np.greater(own, other).mean() > 0.9


def test_without_the_extra_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(ExtraMissing, match=r"aisle\[spark\]"):
        open_spark("spark://127.0.0.1:7077")
