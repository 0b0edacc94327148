"""The words of a mapping, and nothing about how they are carried out.

Every block refuses a key it does not know and names the nearest one it does.
"""

import difflib
import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

Direction = Literal["increase", "decrease", "stay_above", "stay_below", "stay_between", "none"]
MetricKind = Literal["number", "percentage", "currency", "boolean", "milestone", "ordinal"]
ColumnType = Literal["text", "integer", "number", "boolean", "date", "timestamp"]

DIRECTIONS: tuple[str, ...] = get_args(Direction)
METRIC_KINDS: tuple[str, ...] = get_args(MetricKind)
EncodingName = Literal["utf-8", "utf-16-le", "utf-16-be", "cp1252", "latin-1"]
Severity = Literal["error", "warning", "information"]
FindingKind = Literal[
    "columns_renamed",
    "columns_added",
    "columns_removed",
    "columns_reordered",
    "header_names",
    "title_lines",
    "guessed_encoding",
    "row_count",
    "blank_cells",
    "duplicate_records",
    "repaired_records",
    "unreadable_records",
]
"""What a file's validation may find (docs/reason-codes.md says what each means)."""
DATE_WORDS = ("excel", "excel-1904", "unix", "unix-ms", "period")
"""Ways of writing a date that strftime has no word for."""
FILE_ORIGINS = ("file:name", "file:folder", "file:day")
"""What a row is told by its file: its name, the name of the folder it stands in, the day it came (UTC, ISO 8601)."""
FETCH_ORIGINS = ("file:day",)
"""Of these, what an object of an API is told: the day it was fetched."""
EXPRESSION_CHARACTERS = 500
"""An expression is one thought; polars parses it at every load."""

HeaderName = Annotated[str, StringConstraints(strip_whitespace=True)]
"""Of a column as the file calls it; blanks around it never count."""
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
"""Of a column as the mapping calls it."""
Expression = Annotated[str, Field(min_length=1, max_length=EXPRESSION_CHARACTERS)]
"""A polars SQL expression over the mapping's own column names."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like this one, if any is like it at all; case does not count.

    >>> nearest("requird", ["from", "required"])
    'required'
    >>> nearest("zzz", ["from", "required"]) is None
    True
    """
    by_fold = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(word.casefold(), by_fold, n=1, cutoff=0.6)
    return by_fold[close[0]] if close else None


def glob_pattern(glob: str) -> str:
    r"""The regular expression for the whole of a text, in which `*` stands for any characters and `?` for one.

    Case does not count, and a line break is a character. Python and polars read it alike.

    >>> bool(re.search(glob_pattern("*exempt*section ??*"), "Data exempt under\nSection 43(2) of the Act"))
    True
    """
    parts = (re.escape(part) for part in re.split(r"([*?])", glob))
    return "(?is)^" + "".join({r"\*": ".*", r"\?": "."}.get(part, part) for part in parts) + "$"


class Block(BaseModel):
    """A part of a mapping."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=False)

    @model_validator(mode="before")
    @classmethod
    def _knows_its_keys(cls, value: Any) -> Any:  # noqa: ANN401 - whatever the file held
        if isinstance(value, dict):
            known = [field.alias or name for name, field in cls.model_fields.items()]
            for key in value:
                if key not in known:
                    raise _unknown_key(str(key), known)
        return value


def _unknown_key(key: str, known: list[str]) -> PydanticCustomError:
    close = nearest(key, known)
    cure = f'did you mean "{close}"?' if close else "known here: " + ", ".join(known)
    return PydanticCustomError("unknown_key", 'unknown key "{key}"; {cure}', {"key": key, "cure": cure})


class Recognise(Block):
    """Which files are this source's: all stated must hold. A folder named like the source decides without it."""

    columns: tuple[HeaderName, ...] = ()
    "Names the header must have, among others."
    path: str | None = None
    "A glob the path must fit, for example `*/mta/*.csv`."

    @model_validator(mode="after")
    def _says_something(self) -> "Recognise":
        if not self.columns and self.path is None:
            raise PydanticCustomError("empty_recognise", "name columns or a path, else no file is ever recognised")
        return self


class Read(Block):
    """How this source's files are read, where a file does not say it itself, or says it wrong."""

    encoding: EncodingName | None = None
    "Without: found from the bytes."
    delimiter: str | None = Field(default=None, pattern=r"^[\t !#-~\u00a1-\uffff]$")
    "Without: found from the header's columns."
    header_line: int | None = Field(default=None, ge=1)
    "The line the header begins on. Without: the first record that holds the mapping's columns."
    names: tuple[str, ...] = ()
    "The columns of files that have no header, in order."
    repair: Literal["right_aligned"] | None = None
    "right_aligned: a record with too many cells has delimiters in `repair_column` that nobody quoted."
    repair_column: str | None = None
    "The header's name of the free text that takes the surplus cells; those right of it count from the end."
    unreadable_limit: float = Field(default=0.2, ge=0, le=1)
    "A file with a larger share of unreadable records is quarantined."
    findings: dict[FindingKind, Severity] = {}
    "How bad a finding is here: an `error` quarantines the file."

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> "Read":
        if (self.repair is None) != (self.repair_column is None):
            raise PydanticCustomError("half_repair", "repair and repair_column go together")
        if self.names and self.header_line is not None:
            raise PydanticCustomError("two_headers", "a file with names of its own has no header_line")
        return self


class Column(Block):
    """One typed column. Outer blanks of a cell never count; an empty cell is blank."""

    origin: HeaderName = Field(alias="from", min_length=1)
    "The name in the header; of an API, the path in the object (see `paths`); or a word of FILE_ORIGINS."
    type: ColumnType
    also: tuple[HeaderName, ...] = ()
    "Other names for it in the header, where exports do not agree; the first that is there is read."
    like: tuple[Annotated[HeaderName, Field(min_length=1)], ...] = ()
    "Globs for names that hold prose or a year, as `MPA RAG rating*`; tried when none of the others is there."
    optional: bool = False
    "The header may lack it; then its cells are blank."
    required: bool = False
    "A blank cell rejects the row."
    blanks: tuple[str, ...] = ()
    "Words that mean: nothing here."
    blanks_like: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    "Globs for cells that mean: nothing here, as `*exempt*section*`; case does not count."
    markup: Literal["html", "mentions"] | None = None
    "What a text holds beside its words: mentions of people, or HTML (and mentions). The words stay, in lines."
    separator: str | None = Field(default=None, pattern=r"^[^\w ]$")
    "Cells are lists, divided here: the parts are sorted and joined by `; `; blanks and repetitions go."
    person: bool = False
    "Names or addresses of people, which nobody is to read: from here on a keyed hash stands for each."
    map: dict[str, str] | None = None
    "Word read -> word meant."
    unknown: Literal["reject", "warn"] = "reject"
    "Of a word that the map does not know: the row is rejected, or it stays, without a word, and `okr warnings` tells."
    formats: tuple[str, ...] = ()
    "How dates are written (strftime, or a word of DATE_WORDS), tried in turn; without: ISO 8601."
    decimal: Literal[".", ","] | None = None
    "The decimal mark of figures; the other one then groups thousands. Without: a point, and no comma is a figure."
    percent: Literal["figure", "fraction"] = "figure"
    "What `12 %` is: 12, or 0.12."
    multipliers: dict[Annotated[str, Field(pattern=r"^[A-Za-z]{1,10}$")], float] = {
        "k": 1e3,
        "K": 1e3,
        "M": 1e6,
        "bn": 1e9,
    }
    "A word after a figure -> what the figure is multiplied by."
    lowest: float | None = None
    "A smaller figure rejects the row."
    highest: float | None = None
    "A larger figure rejects the row."
    time_zone: str | None = None
    "Of a date: the zone in which an instant becomes a day. Of a timestamp: the zone of clocks that name none."
    edge: Literal["start", "end"] | None = None
    "Which day of a period (`Q3 2025`) is meant; goes with the format `period`."
    year_starts: int = Field(default=1, ge=1, le=12)
    "The month in which a fiscal year (`FY24`, `GJ 24/25`) begins."
    year_named_after: Literal["start", "end"] = "end"
    "Which calendar year gives a fiscal year its name, where it crosses two."

    def found(self, names: Iterable[str], number: int = 1) -> str | None:
        """Under which of these names of a header it stands; `number` is what `{n}` stands for."""
        known = list(names)
        wanted = (name.replace("{n}", str(number)) for name in (self.origin, *self.also))
        exact = next((name for name in wanted if name in known), None)
        if exact is not None or not self.like:
            return exact
        patterns = [glob_pattern(glob.replace("{n}", str(number))) for glob in self.like]
        return next((name for pattern in patterns for name in known if re.search(pattern, name)), None)


class ParentBlock(Block):
    """Columns taken from the row above this one in a tree, which stands in the same batch."""

    key: Name
    "The column by which a row is known."
    of: Name | None = None
    "The column that names the parent's key, of several on lines of their own the first. Without: 1.2 is that of 1.2.3."
    columns: dict[Name, Name] = Field(min_length=1)
    "The parent's columns, by the names they have here; a row without a parent has none."


class IndentedBlock(Block):
    """Rows that stand below others by the blanks before a text."""

    by: Name
    "The column whose cells are indented."
    above: tuple[Name, ...] = Field(min_length=1)
    "Columns that read their cell in the nearest row above that is indented less; a row at the top has none."


class RowsBlock(Block):
    """Which rows of a file are check-ins, and how many there are in each."""

    only: Expression | None = None
    "True for the rows that are meant; the others are left out. Over the columns, before anything is derived."
    parent: ParentBlock | None = None
    fill_down: tuple[Name, ...] = ()
    "Of groups that name these columns in their first row only: a blank cell has the value of the nearest row above."
    indented: IndentedBlock | None = None
    repeat: int | None = Field(default=None, ge=2, le=50)
    "Wide files: `{n}` in the `from` of columns stands for 1, 2, 3 up to this; an n with blank cells only is not there."
    each: str | None = None
    "APIs: the path of a list in the object, each of whose elements is a row; columns below it read the element."
    transposed: HeaderName | None = Field(default=None, min_length=1)
    """The first cell of the header, in files that lie on their side: what others have in columns stands in lines, and
    each column after the first is a row. A file with another header stands upright, so one mapping reads both."""

    @property
    def read_in_order(self) -> bool:
        """What a row says depends on the rows before it in its file."""
        return bool(self.fill_down) or self.indented is not None

    @property
    def several(self) -> bool:
        """A row as it is stored may hold several check-ins."""
        return self.repeat is not None or self.each is not None


class AlignmentBlock(Block):
    """What this goal contributes to. An edge to a goal that has not come yet stands, and is resolved when it comes."""

    key: Name
    "The column by which others name this goal as their parent; of several keys on lines of their own the first."
    parents: Name | None = None
    "The keys of the goals above it: on lines of their own, or a list (`separator`)."
    dotted: bool = False
    "Without `parents`: keys are dotted, and 1.2 is the parent of 1.2.3."
    kind: Literal["contributes", "supports"] = "contributes"
    weight: Name | None = None
    "How much it contributes, in the source's own measure."


class PeriodBlock(Block):
    """The period that the objective stands in, by its name in the source."""

    label: Name
    start_on: Name | None = None
    "Without: as the label says, where it is one of a quarter, a half or a year."
    end_on: Name | None = None
    year_starts: int = Field(default=1, ge=1, le=12)
    year_named_after: Literal["start", "end"] = "end"
    "Both as of a column."

    @property
    def by_rows(self) -> bool:
        """Rows give days of it, not its label alone."""
        return self.start_on is not None or self.end_on is not None

    def reader(self, edge: Literal["start", "end"]) -> Column:
        """How the label is read as a day."""
        fiscal = {"year_starts": self.year_starts, "year_named_after": self.year_named_after}
        return Column.model_validate(
            {"from": self.label, "type": "date", "formats": ["period"], "edge": edge, **fiscal}
        )


class ObjectiveBlock(Block):
    """Which columns make the objective."""

    key: tuple[Name, ...] = Field(min_length=1)
    title: Name
    description: Name | None = None
    start_on: Name | None = None
    due_on: Name | None = None
    alignment: AlignmentBlock | None = None
    period: PeriodBlock | None = None


class KeyResultBlock(Block):
    """Which columns make the key result."""

    key: tuple[Name, ...] = Field(min_length=1)
    title: Name
    description: Name | None = None
    metric_kind: Name
    direction: Name
    inclusive: bool = True
    "Whether a value exactly on the target of a stay_above, stay_below or stay_between meets it."
    unit: Name | None = None
    baseline: Name | None = None
    target: Name
    no_target: tuple[float, ...] = ()
    "Figures that stand for: there is no target."
    start_on: Name
    due_on: Name
    due_known: Name | None = None
    """Of a history that tells the due date in rows from before it was set: whether it was known then. Blank: the row
    says nothing of it."""
    owner: Name | None = None
    attributes: tuple[Name, ...] = ()
    "Columns the model may learn from."
    alignment: AlignmentBlock | None = None


class CheckInBlock(Block):
    """Which columns make the check-in."""

    key: tuple[Name, ...] = Field(min_length=1)
    as_of: Name
    "The day the value belongs to."
    recorded_at: Name | None = None
    "When it was written down; becomes its knowledge time."
    value: Name
    status_raw: Name | None = None
    status: Name | None = None
    confidence: Name | None = None
    comment: Name | None = None


class SourceOutcome(Block):
    """The source itself says when a row is final."""

    when: Expression
    "True on a row that holds the final value."
    known_at: Name
    "When that became known."
    value: Name | None = None
    "The final value, where it is not the check-in's own."


class DueOutcome(Block):
    """The source never says how it ended: its last value by the due date tells."""

    grace_days: int = Field(default=3, ge=0, le=366)
    "Check-ins of so many days after the due date still count; then it is decided, on the source's clock."
    achieved_from: float = Field(default=1.0, gt=0, le=1)
    "The share of the way, of an increase or decrease, at which it counts as achieved: 0.7 where goals are stretched."


class OutcomeBlock(Block):
    """How a key result's end becomes known: either the source says it, or its due date passes."""

    source: SourceOutcome | None = None
    due: DueOutcome | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "OutcomeBlock":
        if (self.source is None) == (self.due is None):
            raise PydanticCustomError("outcome", "say either source or due: one of both")
        return self


class Choose(Block):
    """Where a source tells one thing several times over: which row of a batch counts. The others are duplicates."""

    per: tuple[Name, ...] = Field(min_length=1)
    "Rows with the same values here tell the same thing."
    most: Name
    "The row with the largest figure here counts; of equals the first, and a blank is least."


class Entities(Block):
    """What each row is made into."""

    objective: ObjectiveBlock
    key_result: KeyResultBlock
    check_in: CheckInBlock
    outcome: OutcomeBlock | None = None

    @property
    def alignments(self) -> dict[str, AlignmentBlock]:
        """Of each entity that has one, what says which goals it contributes to."""
        found = {"objective": self.objective.alignment, "key_result": self.key_result.alignment}
        return {entity: block for entity, block in found.items() if block}

    @property
    def final(self) -> SourceOutcome | None:
        """How the source says that a row is final, if it does."""
        return self.outcome.source if self.outcome else None

    @property
    def due(self) -> DueOutcome | None:
        """How key results end by their due dates, if they do."""
        return self.outcome.due if self.outcome else None


class AbsentBlock(Block):
    """What becomes of key results that a full export has no more; `absent: close` is short for `{ then: close }`."""

    then: Literal["keep", "close", "delete"] = "keep"
    "keep: nothing; close: they are pursued no longer; delete: their check-ins and outcomes go as well."
    at_most: float = Field(default=0.2, gt=0, le=1)
    "Where a larger share of the open key results is gone, nothing is closed: the export is probably not a full one."

    @model_validator(mode="before")
    @classmethod
    def _from_a_word(cls, value: Any) -> Any:  # noqa: ANN401 - whatever the file held
        return {"then": value} if isinstance(value, str) else value

    @property
    def closes(self) -> bool:
        """Something comes of it."""
        return self.then != "keep"


class Cursor(Block):
    """Paging: the place in the response that names the next page, and the query parameter that asks for it."""

    next: str
    parameter: str


class ApiBlock(Block):
    """An endpoint that answers pages of JSON objects."""

    enabled: bool = True
    "False: nobody asks this endpoint; a mapping may lie here until its token is there."
    base_url: str = Field(pattern=r"^https?://")
    path: str = Field(pattern=r"^/")
    parameters: dict[str, str] = {}
    "Query parameters of every request, for example the size of a page."
    records: str
    "Where the list of records is in a response: a dotted path, or any JMESPath."
    object_id: str
    "Where a record's own id is in the record."
    cursor: Cursor
    token_file: str | None = None
    "Holds the bearer token; read at each fetch, never kept. A relative path begins where configs/ lies (`paths.home`)."
    requests_per_second: float = Field(default=5.0, gt=0)


class Mapping(Block):
    """One source. Its name is its file's name."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)
    title: str
    kind: Literal["csv", "api"]
    clock: Literal["data", "wall"]
    "data: time is what the newest row says (history); wall: time is when rows arrive (live)."
    recognise: Recognise | None = None
    read: Read = Read()
    api: ApiBlock | None = None
    columns: dict[Name, Column] = Field(min_length=1)
    rows: RowsBlock = RowsBlock()
    derived: dict[Name, Expression] = {}
    "Computed in this order, each from columns and the derived ones before it."
    choose: Choose | None = None
    entities: Entities
    absent: AbsentBlock = AbsentBlock()

    @property
    def row_by_row(self) -> bool:
        """What a row says depends on its cells alone: not on its file's name, nor on the rows beside it."""
        period = self.entities.objective.period
        alone = self.choose is None and self.rows.parent is None and self.rows.transposed is None
        alone = alone and not self.rows.read_in_order and (period is None or not period.by_rows)
        return alone and all(one.origin not in FILE_ORIGINS for one in self.columns.values())

    def is_transposed(self, header: Sequence[str]) -> bool:
        """Whether a file with this header lies on its side; the case of its first cell does not count."""
        corner = self.rows.transposed
        return corner is not None and bool(header) and header[0].strip().casefold() == corner.casefold()

    @property
    def people(self) -> list[str]:
        """The columns that hold people."""
        return [name for name, column in self.columns.items() if column.person]

    @property
    def inherited(self) -> dict[str, str]:
        """The columns a row has from its parent, by the names they have there."""
        return self.rows.parent.columns if self.rows.parent else {}

    @property
    def hash(self) -> str:
        """Equal for mappings that make the same of a row: comments, layout and where rows come from do not count."""
        meaning = self.model_dump(mode="json", by_alias=True, exclude={"title", "api", "read"}, exclude_defaults=True)
        meaning["derived"] = list(self.derived.items())
        return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()[:32]
