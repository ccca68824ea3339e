"""Spark ALS on a cluster of one master and two workers, all on this machine."""

import json
import math
import os
import re
import runpy
import shutil
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
from recommender.models import Models
from recommender.spark import fit_factors, open_spark
from tests.retrieval.fakes import HashingEmbedder

QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Java starts in half the time when it does not mean to stay."""
START = datetime(2024, 1, 1, tzinfo=UTC)


PATIENCE = 240
"""Seconds in which a machine that is busy with other things has started three Javas."""
SCRIPT = Path(__file__).parents[2] / "scripts" / "train_spark.py"


def heard(log, pattern, times=1):
    """The first match, once the log holds that many."""
    deadline = time.monotonic() + PATIENCE
    while len(found := list(re.finditer(pattern, log.read_text()))) < times:
        if time.monotonic() > deadline:
            pytest.fail(f"the cluster did not come up: {log.read_text()[-2000:]}")
        time.sleep(0.2)
    return found[0]


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
    started = []

    def start(kind, *arguments):
        log = (place / f"{kind}{len(started)}.log").open("w")
        command = [home / "bin" / "spark-class", f"org.apache.spark.deploy.{kind}", *arguments]
        started.append((subprocess.Popen(command, env=env, stdout=log, stderr=log), log))
        return Path(log.name)

    try:
        log = start("master.Master", "--host", "127.0.0.1", "--port", "0", "--webui-port", "0")
        address = heard(log, r"Starting Spark master at (spark://\S+)")[1]
        for number in (1, 2):
            start("worker.Worker", "--cores", "1", "--memory", "1g", "--host", "127.0.0.1",
                  "--webui-port", "0", "--work-dir", str(place / f"w{number}"),
                  address)  # fmt: skip
        heard(log, "Registering worker", times=2)
        yield address
    finally:
        for process, log in reversed(started):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
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
    ] + [
        ("c00", "rare", "purchase", 1.0, START),
        ("c01", "p00", "view", 1.0, START),
        *(("c01", "p00", "purchase", each, START) for each in (math.nan, math.inf, -1.0)),
    ]


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
    baskets = Baskets.of(rows.filter(kind="purchase", value=1.0), product_ids)
    tastes = baskets.matrix()
    with np.load(tmp_path / "factors.npz", allow_pickle=False) as saved:
        loaded = Factors.from_arrays(dict(saved), tastes)
    scores = loaded.scores(range(60))
    assert np.isnan(scores[:, product_ids.index("rare")]).all()
    new = np.where(tastes.toarray() > 0, np.nan, scores)
    own = [np.nanmean(new[n, (n % 2) * 10 :][:10]) for n in range(60)]
    other = [np.nanmean(new[n, (1 - n % 2) * 10 :][:10]) for n in range(60)]
    assert np.greater(own, other).mean() > 0.9


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_what_the_cluster_learned_is_what_the_home_recommends_by(
    spark, aisle, tmp_path, monkeypatch, capsys
):
    """From a shop folder over the cluster to `aisle recommend`, and away again by training."""
    monkeypatch.setattr("assistant.app.open_embedder", lambda _: HashingEmbedder())
    folder, home = tmp_path / "shop", tmp_path / "home"
    folder.mkdir()
    (folder / "shop.toml").write_text('name = "Camps"\ncurrency = "USD"\n')
    names = ["customer_id", "product_id", "kind", "value", "at"]
    rows = pl.DataFrame(camps(), schema=names, orient="row")
    rows.write_parquet(folder / "interactions.parquet")
    ids = [f"p{n:02}" for n in range(20)] + ["rare"]
    pl.DataFrame(
        {"product_id": ids, "title": [f"Thing {each}" for each in ids], "category": ids,
         "price": [1.0] * len(ids)}
    ).write_parquet(folder / "products.parquet")  # fmt: skip
    for command in (["ingest", folder], ["train", "--plain"]):
        code, _, err = aisle(*command, "--home", home)
        assert code == 0, err

    def suggested():
        asked = ("--customer", "c00", "--kind", "new_for_you", "--json")
        code, out, err = aisle("recommend", "--home", home, *asked)
        assert code == 0, err
        return {each["product_id"]: each["score"] for each in json.loads(out)["items"]}

    before = suggested()
    few = ["--factors", "8", "--epochs", "3"]
    asked = [spark.sparkContext.master, str(folder / "interactions.parquet"), "--home", str(home)]
    monkeypatch.setattr(sys, "argv", ["train_spark.py", *asked, *few])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    assert "20 items, 8 factors" in capsys.readouterr().out
    after = suggested()
    models = Models.load(home / "recommender")
    assert models.factors is not None
    user = models.baskets.customers.index("c00")
    scores = models.factors.scores([user])[0]
    own = {each for each in ids if (rows.filter(customer_id="c00", product_id=each)).height}
    camp = [each for each in ids[:10] if each not in own]
    assert camp, "there is something of the camp that c00 lacks"
    assert list(after)[: len(camp)] == sorted(
        camp, key=lambda each: -scores[models.catalogue.number(each)]
    )
    for each in camp:
        assert after[each] == pytest.approx(float(scores[models.catalogue.number(each)]), abs=1e-4)
    assert after != before
    assert aisle("train", "--plain", "--home", home)[0] == 0
    assert suggested() == before


def test_the_script_names_a_home_without_a_model(tmp_path, monkeypatch, capsys):
    asked = ["spark://127.0.0.1:1", "rows.parquet", "--home", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["train_spark.py", *asked])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    assert ended.value.code == 2
    assert "run `aisle train`" in capsys.readouterr().err


def test_without_the_extra_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(ExtraMissing, match=r"aisle\[spark\]"):
        open_spark("spark://127.0.0.1:7077")
