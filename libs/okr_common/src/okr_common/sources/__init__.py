"""Sources as data: one mapping per source says how its files or responses become the canonical model (design §10)."""

from okr_common.sources.checks import MissingColumn, missing_columns, missing_names
from okr_common.sources.folder import SourcesFolder
from okr_common.sources.language import (
    ApiBlock,
    CheckInBlock,
    Choose,
    Column,
    Cursor,
    Direction,
    DueOutcome,
    EncodingName,
    FindingKind,
    KeyResultBlock,
    Mapping,
    MetricKind,
    ObjectiveBlock,
    OutcomeBlock,
    ParentBlock,
    Read,
    Recognise,
    Severity,
    glob_pattern,
    nearest,
)
from okr_common.sources.loader import SourceProblem, load_mapping
from okr_common.sources.paths import Reading, reading
from okr_common.sources.recognition import Recognised, Sources, load_sources

__all__ = [
    "ApiBlock",
    "CheckInBlock",
    "Choose",
    "Column",
    "Cursor",
    "Direction",
    "DueOutcome",
    "EncodingName",
    "FindingKind",
    "KeyResultBlock",
    "Mapping",
    "MetricKind",
    "MissingColumn",
    "ObjectiveBlock",
    "OutcomeBlock",
    "ParentBlock",
    "Read",
    "Reading",
    "Recognise",
    "Recognised",
    "Severity",
    "SourceProblem",
    "Sources",
    "SourcesFolder",
    "glob_pattern",
    "load_mapping",
    "load_sources",
    "missing_columns",
    "missing_names",
    "nearest",
    "reading",
]
