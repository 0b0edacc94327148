"""The turn of a file's next batch, known while the one before it is being written: nothing comes between the two."""

from dataclasses import replace

import polars as pl

from okr_etl.domain.batch import Proposed, RawBatch
from okr_etl.domain.head import Head
from okr_etl.domain.turn import Task, Turn


def task_after(turn: Turn, batch: RawBatch, proposed: Proposed) -> Task | None:
    """The next batch's task. None where it needs more than this turn tells of its file.

    With a file's first batch it is forgotten what the file before said; a row may wait for its parent; and where not
    all rows were read, what a batch said is found out later. Where the file's batches had not the same mapping, its
    head does not tell under which one the last of them was written: maybe another replica's, with something else made.
    """
    task = turn.task
    of_one_file = turn.former.unit == task.batch.unit == batch.unit and turn.head.mapping_hash is not None
    read = task.batch.whole and batch.whole and task.mapping.rows.parent is None
    if not (of_one_file and read):
        return None
    return replace(task, batch=batch, proposed=proposed, said=pl.concat([task.said, turn.told]))


def held_after(turn: Turn, held: pl.DataFrame) -> pl.DataFrame:
    """What is held once the turn is written (`HELD_SCHEMA`); `held` may have been read before it was, or after.

    As in `late.apply_in_turn`, what a batch makes stands behind what was there.
    """
    made = turn.applied.resolved.filter(pl.col("number").is_not_null())
    made = made.with_columns(held_from="holds_from", of_unit=pl.lit(value=True)).select(held.columns)
    return pl.concat([held.join(made, on=["entity_id", "number"], how="anti"), made])


def is_turn_of(turn: Turn, task: Task, former: Head) -> bool:
    """Whether what was foretold is this task's turn at this head."""
    known = turn.task
    same = known.batch is task.batch and known.proposed is task.proposed and not task.late
    beside = known.compared_with == task.compared_with and known.said.equals(task.said)
    return same and beside and turn.former == former
