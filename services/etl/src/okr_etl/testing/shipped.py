"""The mappings in configs/sources, and what they make of a file's rows."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from okr_common.errors import PermanentError
from okr_common.paths import repository
from okr_common.sources import Mapping, load_mapping
from okr_etl.domain.batch import Proposed, propose
from okr_etl.testing.memory import raw_batch


def shipped(source: str) -> Mapping:
    """The source's mapping. Raises PermanentError that says what is wrong with it."""
    loaded = load_mapping(repository() / "configs" / "sources" / f"{source}.yaml")
    if isinstance(loaded, list):
        raise PermanentError("broken_mapping", "; ".join(str(problem) for problem in loaded))
    return loaded


def proposed_of(source: str, header: Sequence[str], rows: Sequence[Sequence[str]], file: Path) -> Proposed:
    """What these rows of this file say."""
    return propose(replace(raw_batch(rows, header, source), path=str(file)), shipped(source))
