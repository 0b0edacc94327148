"""Measures what the intervals of published probabilities are worth: `make bench-intervals`.

The true probability of a key result is never seen, only shares of groups are. Of each key result one prediction is
drawn, since they share an outcome; in the order in which the outcomes became known they are cut into blocks, and each
block by probability into four groups of `SIZE`. The interval says where a group's probabilities lie, all off in the
same direction, and chance does the rest: how many are achieved should be within the middle 90 % of that in nine groups
of ten. Beside it the same with chance alone, as if each probability were known exactly. No figure is a test.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from models import Row, inputs, replayed

from okr_common.testing.development_data import DEVELOPMENT_DATA
from okr_trainer.domain.calibration import SURE
from okr_trainer.domain.numbers import Column
from okr_trainer.domain.pipeline import BUILDERS
from okr_trainer.settings import TrainerSettings

SIZE, PARTS, DRAWS, SEED = 25, 4, 2_000, 20170228


def one_of_each(rows: Sequence[Row]) -> list[Row]:
    """One row of each key result, drawn, in the order in which their outcomes became known."""
    scored = [row for row in rows if row.scored and row.draft.interval]
    drawn = np.random.default_rng(SEED).permutation(len(scored)).tolist()
    kept = {scored[place].draft.key_result_id: scored[place] for place in drawn}
    return sorted(kept.values(), key=lambda row: (str(row.ended), row.draft.key_result_id))


def groups(rows: Sequence[Row]) -> list[list[Row]]:
    """Rows of about one time and about one probability."""
    block = SIZE * PARTS
    found = []
    for start in range(0, len(rows) - block + 1, block):
        alike = sorted(rows[start : start + block], key=lambda row: row.draft.probability or 0.0)
        found += [alike[at : at + SIZE] for at in range(0, block, SIZE)]
    return found


def within(group: Sequence[Row], *, sure: bool) -> bool:
    """Whether as many were achieved as is said; `sure`: as if the probabilities were known exactly."""
    low, middle, high = _log_odds(group)
    width = 0.0 if sure else 1.0
    luck = np.random.default_rng(SEED)
    off = luck.standard_normal((DRAWS, 1)) * (high - low) / (2.0 * SURE) * width
    chances = 1.0 / (1.0 + np.exp(-(middle + off)))
    achieved = (luck.random(chances.shape) < chances).sum(axis=1)
    least, most = np.percentile(achieved, (5.0, 95.0))
    return bool(least <= sum(bool(row.achieved) for row in group) <= most)


def _log_odds(group: Sequence[Row]) -> tuple[Column, Column, Column]:
    said = np.array([(row.draft.interval[0], row.draft.probability, row.draft.interval[1]) for row in group
                     if row.draft.interval], dtype=np.float64)  # fmt: skip
    odds = np.log(said / (1.0 - said))
    return odds[:, 0], odds[:, 1], odds[:, 2]


def line(name: str, rows: Sequence[Row]) -> str:
    """The figures of a set, as the table of docs/model-card.md has them."""
    chosen = one_of_each(rows)
    cut = groups(chosen)
    found, alone = (sum(within(group, sure=sure) for group in cut) / len(cut) for sure in (False, True))
    widths = np.array([high - low for row in chosen if row.draft.interval for low, high in [row.draft.interval]])
    narrow, usual, wide = np.percentile(widths, (10.0, 50.0, 90.0))
    return f"{name} | {len(cut)} | {found:.0%} | {alone:.0%} | {usual:.2f} ({narrow:.2f} to {wide:.2f})"


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", nargs="*", default=["mta", "sprints", "jira"], choices=["mta", "sprints", "jira"])
    parser.add_argument("--pipeline", default=TrainerSettings().pipeline, choices=sorted(BUILDERS))
    parser.add_argument("--data", type=Path, default=DEVELOPMENT_DATA)
    options = parser.parse_args()
    print("set | groups | within | by chance alone | width (the middle 80 %)")
    for name in options.set:
        print(line(name, replayed(inputs(name, options.data), options.pipeline)), flush=True)


if __name__ == "__main__":
    main()
