"""Measures what the pipelines know: `make bench-models`. The published data that is not in the repository, replayed.

Each set goes through its shipped mapping and the trainer's own replay, in the order in which things became known, each
label used only once it was known. `--data` is the folder of the data sets, as in their publishers' repositories;
`--set` and `--pipeline` choose. No figure is a test.
"""

import argparse
import csv
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from okr_common.testing.development_data import DEVELOPMENT_DATA
from okr_etl.testing.shipped import proposed_of
from okr_trainer.domain.drafts import Draft
from okr_trainer.domain.inputs import Input, Outcome, Place, knowledge_order, read
from okr_trainer.domain.pipeline import BUILDERS
from okr_trainer.domain.replay import Replay
from okr_trainer.domain.risk import CutPoints

Row = tuple[Draft, str, bool]
"""A prediction, the name of its check-in, and how its key result ended."""
AT_ONCE = 5_000
BINS = 10
JUNE = 6
PROJECTS = ("apache", "duraspace", "jboss", "jira")
TEAMS = ("apache", "jboss", "jira")
"""Those of the agile sprints."""


def files(name: str, data: Path) -> tuple[str, list[Path], str]:
    """Source, files in the order they are loaded, and encoding of a set."""
    if name == "mta":
        return "mta_nyct", [data / "mta_nyct_kpis" / "Performance_NYCT.csv"], "cp1252"
    if name == "sprints":
        folder, moments = data / "agile_sprints", (0, 30, 50, 80)
        return "agile_sprints", [folder / f"{team}_iteration_{at}.csv" for at in moments for team in TEAMS], "cp1252"
    folder, told = data / "jira_due_dates", ("creation", "due", "discussion")
    return "jira_due_dates", [folder / f"{project}_{moment}.csv" for moment in told for project in PROJECTS], "utf-8"


def parts(name: str) -> dict[str, Callable[[Draft, str], bool]]:
    """The moments at which a set is measured, each with which of its rows they are."""
    if name == "mta":
        return {"January to June": lambda draft, _: date.fromordinal(draft.on).month <= JUNE}
    if name == "sprints":
        return {f"{at} %": lambda _, told, at=at: told.endswith(f"/{at}") for at in (0, 30, 50, 80)}  # type: ignore[misc]
    moments = ("creation", "due", "discussion")
    return {moment: lambda _, told, moment=moment: told.endswith(f"/{moment}") for moment in moments}  # type: ignore[misc]


def inputs(name: str, data: Path) -> list[Input]:
    """What the model hears of a set: each version that says something new, in the order it became known."""
    source, paths, encoding = files(name, data)
    said: list[Input] = []
    newest: dict[str, tuple[str, int]] = {}
    for position, path in enumerate(paths, start=1):
        for seq, row in enumerate(_proposed(source, path, encoding), start=1):
            content, revision = newest.get(row["entity_id"], ("", 0))
            if content == row["content_hash"] or (row["entity"] == "outcome" and revision):
                continue
            newest[row["entity_id"]] = (row["content_hash"], revision + 1)
            stamp = (source, Place(1, position, seq), row["entity_id"], revision + 1, row["time"], 1, row["row_num"])
            one = read(row["entity"], stamp, orjson.loads(row["payload"]))
            said += [one] if one is not None else []
    return sorted(said, key=knowledge_order)


def _proposed(source: str, path: Path, encoding: str) -> Iterator[dict[str, Any]]:
    with path.open(encoding=encoding, newline="") as stream:
        header, *rows = csv.reader(stream)
    whole = [row for row in rows if len(row) == len(header)]
    candidates = proposed_of(source, header, whole, path).candidates
    return candidates.filter(candidates["entity"] != "objective").sort("order", "time", "row_num").iter_rows(named=True)


def replayed(heard: Sequence[Input], pipeline: str) -> list[Row]:
    """Every prediction at a check-in of a key result that has ended."""
    replay = Replay.begin("bench", 1, 1, pipeline, CutPoints())
    drafts = [draft for at in range(0, len(heard), AT_ONCE) for draft in replay.take(heard[at : at + AT_ONCE])]
    ended = {one.key_result_id: one.achieved for one in heard if isinstance(one, Outcome)}
    names = {one.version.entity_id: one.version.name for one in heard}
    rows = []
    for draft in [*drafts, *replay.finish()]:
        achieved = ended.get(draft.key_result_id)
        if draft.check_in_id and draft.raw is not None and achieved is not None:
            rows.append((draft, names[draft.check_in_id], achieved))
    return rows


def measured(rows: Sequence[Row]) -> dict[str, float]:
    """ROC-AUC pooled and mean per project (the first part of the key), log loss, Brier score, calibration error."""
    outcomes = np.array([float(achieved) for *_, achieved in rows])
    raw = np.array([draft.raw for draft, *_ in rows])
    said = np.array([draft.probability for draft, *_ in rows])
    groups = np.array([draft.name.split("/")[0] for draft, *_ in rows])
    each = [auc(outcomes[groups == one], raw[groups == one]) for one in np.unique(groups)]
    losses = np.log(np.where(outcomes > 0, said, 1.0 - said))
    return {
        "n": len(rows),
        "auc": auc(outcomes, raw),
        "auc_by_project": float(np.nanmean(each)),
        "log_loss": float(-losses.mean()),
        "brier": float(((said - outcomes) ** 2).mean()),
        "calibration_error": calibration_error(outcomes, said),
        "calibration_error_95": ceiling(said),
    }


def auc(outcomes: Any, scores: Any) -> float:  # noqa: ANN401 - numpy columns
    """By ranks; ties count half. NaN where there is but one class."""
    positives = outcomes > 0
    if positives.all() or not positives.any():
        return float("nan")
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    count = positives.sum()
    return float((ranks[positives].sum() - count * (count + 1) / 2) / (count * (len(outcomes) - count)))


def calibration_error(outcomes: Any, said: Any) -> float:  # noqa: ANN401
    """ECE with ten bins of equal width."""
    place = np.clip((said * BINS).astype(int), 0, BINS - 1)
    gaps = np.bincount(place, weights=said - outcomes, minlength=BINS)
    return float(np.abs(gaps).sum() / len(said))


def ceiling(said: Any) -> float:  # noqa: ANN401
    """The 95th percentile of the ECE of a forecaster who is calibrated and says the same."""
    drawn = np.random.default_rng(1)
    errors = [calibration_error((drawn.random(len(said)) < said).astype(float), said) for _ in range(200)]
    return float(np.quantile(errors, 0.95))


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", nargs="*", default=["mta", "sprints", "jira"], choices=["mta", "sprints", "jira"])
    parser.add_argument("--pipeline", nargs="*", default=sorted(BUILDERS), choices=sorted(BUILDERS))
    parser.add_argument("--data", type=Path, default=DEVELOPMENT_DATA)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    figures: dict[str, Any] = {}
    for name in options.set:
        heard = inputs(name, options.data)
        for pipeline in options.pipeline:
            rows = replayed(heard, pipeline)
            for part, belongs in parts(name).items():
                told = measured([row for row in rows if belongs(row[0], row[1])])
                figures.setdefault(name, {}).setdefault(part, {})[pipeline] = told
                print(f"{name:8} {part:16} {pipeline:14}", *(f"{key} {value:.3f}" for key, value in told.items()))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
