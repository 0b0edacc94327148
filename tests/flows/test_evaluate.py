"""`okr models evaluate` says of stored predictions what scikit-learn says of the same rows."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sklearn import metrics as oracle

from okr_cli.testing import Flow, Published

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]
SERVICES = ("ingest-csv", "etl", "trainer")
CHAMPION = "select count(*) from model_version where version = 1"
STORED = """
select json_agg(json_build_array(o.achieved, p.probability, (p.baselines ->> 'meets_now')::float))
from prediction p join outcome_heard o using (model, key_result_id)
where p.kind = 'replay' and p.check_in_id is not null and p.learned_seq is not null
"""


def okr(flow: Flow, *arguments: str) -> subprocess.CompletedProcess[str]:
    folder = str(flow.stack.stack.state.folder)
    command = [str(Path(sys.executable).with_name("okr")), "--state", folder, "models", "evaluate", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


async def test_it_reports_what_scikit_learn_says(flow: Flow, published: Published, tmp_path: Path) -> None:
    rows = published.of_years(2009, 2010, 2011, 2012)
    with flow.stack.supervised(SERVICES):
        none = okr(flow)
        flow.drop("history.csv", published.encoded(rows))
        await flow.predicted(len(rows))
        await flow.until("ops", CHAMPION, 1)
        told = okr(flow, "mta_nyct", "--report", str(tmp_path / "report"))
        as_json = okr(flow, "--json", "--source", "mta_nyct")
        nothing = okr(flow, "mta_nyct", "--kind", "aged")
        unknown = okr(flow, "nobody")
        stored = json.loads(await flow.ask("ops", STORED))
    assert none.returncode == 1
    assert "there is no model yet" in none.stderr
    (said,) = json.loads(as_json.stdout)
    assert (said["model"], said["kind"], said["source"]) == ("mta_nyct", "replay", "mta_nyct")
    _agrees(said["all"], stored)
    assert list(said["by_source"]) == ["mta_nyct"]
    assert said["learning"]["outcomes"][-1] == said["all"]["key_results"]

    assert f"{said['all']['n']:,} predictions" in told.stdout
    (file,) = (tmp_path / "report").iterdir()
    assert file.name == "mta_nyct_replay.html"
    assert file.read_text(encoding="utf-8").count("<svg") == 4
    assert "no prediction of this kind has an outcome yet" in nothing.stdout
    assert unknown.returncode == 1
    assert "no model is called 'nobody'" in " ".join(unknown.stderr.split())


def _agrees(table: dict[str, Any], stored: list[list[Any]]) -> None:
    outcomes, model, rule = zip(*stored, strict=True)
    assert table["n"] == len(stored)
    for name, probabilities in (("model", model), ("meets_now", rule)):
        figures = table["predictors"][name]
        missed = [not one for one in outcomes]
        assert figures["auc"][0] == pytest.approx(oracle.roc_auc_score(outcomes, probabilities), abs=1e-5)
        found = oracle.average_precision_score(missed, [-one for one in probabilities])
        assert figures["pr_auc"][0] == pytest.approx(found, abs=1e-5)
        assert figures["log_loss"][0] == pytest.approx(oracle.log_loss(outcomes, probabilities), abs=1e-5)
        assert figures["brier"][0] == pytest.approx(oracle.brier_score_loss(outcomes, probabilities), abs=1e-5)
