"""Measures what the pipelines know: `make bench-models`. The published data that is not in the repository, replayed.

Each set goes through its shipped mapping and the trainer's own replay, in the order in which things became known, each
label used only once it was known. Beside the pipelines stand the baselines and the yardstick, boosted trees that are
fitted anew each month. `--data` is the folder of the data sets, as in their publishers' repositories; `--set` and
`--pipeline` choose; `--no-yardstick` saves most of the time. What a prediction costs is all of the replay: features,
score, and learning. No figure is a test.
"""

import argparse
import csv
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson
from scores import Rows, Said, cell, compared, line
from yardstick import Asked, yardstick

from okr_common.testing.development_data import DEVELOPMENT_DATA
from okr_etl.testing.shipped import proposed_of
from okr_trainer.domain.drafts import Draft
from okr_trainer.domain.features import learnable
from okr_trainer.domain.inputs import Input, Outcome, Place, knowledge_order, read
from okr_trainer.domain.numbers import Column, sigmoid
from okr_trainer.domain.pipeline import BUILDERS
from okr_trainer.domain.replay import Replay
from okr_trainer.domain.risk import CutPoints
from okr_trainer.settings import TrainerSettings

AT_ONCE = 5_000
JUNE = 6
PROJECTS = ("apache", "duraspace", "jboss", "jira")
TEAMS = ("apache", "jboss", "jira")
"""Those of the agile sprints."""
BASELINES = {"class prior": "class_prior", "pace rule": "linear_pace", "meets now": "meets_now"}


class Row(NamedTuple):
    """A prediction, the name of its check-in (none at a definition), and how and when its key result ended."""

    draft: Draft
    told: str
    achieved: bool | None
    ended: datetime | None

    @property
    def scored(self) -> bool:
        """It was made at a check-in, and its outcome is known."""
        return bool(self.told) and self.achieved is not None


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
    """Every prediction a model made, in one order for all pipelines."""
    replay = Replay.begin("bench", 1, 1, pipeline, CutPoints())
    drafts = [draft for at in range(0, len(heard), AT_ONCE) for draft in replay.take(heard[at : at + AT_ONCE])]
    ended = {one.key_result_id: (one.achieved, one.version.knowledge_time) for one in heard if isinstance(one, Outcome)}
    names = {one.version.entity_id: one.version.name for one in heard}
    rows = [
        Row(draft, names.get(draft.check_in_id or "", ""), *ended.get(draft.key_result_id, (None, None)))
        for draft in [*drafts, *replay.finish()]
        if draft.raw is not None
    ]
    return sorted(rows, key=lambda row: row.draft.prediction_id)


def boosted(rows: Sequence[Row]) -> Column:
    """What the yardstick says of them."""
    return yardstick(
        [
            Asked(
                row.draft.key_result_id,
                row.draft.knowledge_time,
                learnable(row.draft.x or {}),
                row.draft.learned_seq is not None,
                row.ended,
                row.achieved,
            )
            for row in rows
        ]
    )


def said_of(
    by_pipeline: Mapping[str, Sequence[Row]], others: Mapping[str, Column], at: Sequence[int]
) -> dict[str, Said]:
    """What everybody said of the rows at these places; the first pipeline comes first."""
    said = {}
    for name, rows in by_pipeline.items():
        drafts = [rows[place].draft for place in at]
        rank = np.array([sigmoid(draft.raw or 0.0) for draft in drafts])
        said[name] = Said(np.array([draft.probability for draft in drafts], dtype=np.float64), rank)
    said |= {name: Said(column[list(at)], column[list(at)]) for name, column in others.items()}
    for name, baseline in BASELINES.items():
        column = np.array([draft.baselines[baseline] for draft in drafts])
        said[name] = Said(column, column)
    return said


def about(rows: Sequence[Row], at: Sequence[int]) -> Rows:
    """What is known of the rows at these places."""
    here = [rows[place] for place in at]
    projects = np.array([row.draft.name.split("/")[0] for row in here])
    return Rows(
        np.array([float(bool(row.achieved)) for row in here]), [row.draft.key_result_id for row in here], projects
    )


def measured(name: str, by_pipeline: Mapping[str, Sequence[Row]], others: Mapping[str, Column]) -> dict[str, Any]:
    """Of each part of a set what everybody's answers were worth."""
    rows = next(iter(by_pipeline.values()))
    found = {}
    for part, belongs in parts(name).items():
        at = [place for place, row in enumerate(rows) if row.scored and belongs(row.draft, row.told)]
        found[part] = compared(about(rows, at), said_of(by_pipeline, others, at))
        for predictor, figures in found[part].items():
            print(line(f"{name} | {part} | {predictor}", figures), flush=True)
    return found


def table(figures: Mapping[str, Mapping[str, Any]], pipelines: Sequence[str]) -> Iterator[str]:
    """A row per pipeline, as docs/models.md has them: each part of each set, then what a prediction of a set costs."""
    places = [(name, part) for name in figures for part in parts(name)]
    yield f"| pipeline | {' | '.join([*map(', '.join, places), *(f'{name}, us' for name in figures)])} |"
    for who in pipelines:
        cells = [cell(figures[name][part][who]) for name, part in places]
        costs = [str(of["microseconds"][who]) for of in figures.values()]
        yield f"| `{who}` | {' | '.join([*cells, *costs])} |"


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", nargs="*", default=["mta", "sprints", "jira"], choices=["mta", "sprints", "jira"])
    parser.add_argument("--pipeline", nargs="+", default=[TrainerSettings().pipeline], choices=sorted(BUILDERS))
    parser.add_argument("--no-yardstick", action="store_true", help="the pipelines and baselines alone")
    parser.add_argument("--data", type=Path, default=DEVELOPMENT_DATA)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    figures: dict[str, Any] = {}
    for name in options.set:
        heard = inputs(name, options.data)
        by_pipeline, costs = {}, {}
        for pipeline in options.pipeline:
            began = time.process_time()
            by_pipeline[pipeline] = replayed(heard, pipeline)
            costs[pipeline] = round(1e6 * (time.process_time() - began) / len(by_pipeline[pipeline]))
            print(f"{name} | {pipeline} | {costs[pipeline]} processor microseconds a prediction", flush=True)
        others = {} if options.no_yardstick else {"boosted trees": boosted(by_pipeline[options.pipeline[0]])}
        figures[name] = {**measured(name, by_pipeline, others), "microseconds": costs}
    print(*table(figures, options.pipeline), sep="\n")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
