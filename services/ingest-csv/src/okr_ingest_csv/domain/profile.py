"""What a batch's rows are like: enough to judge its file without reading the rows again."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson

from okr_common.cleaning import count_changes, rows_to_clean


@dataclass(frozen=True, slots=True)
class Profile:
    """Blank cells by column index; cells that cleaning will change by rule and column index; repaired rows."""

    blank: dict[int, int] = field(default_factory=dict)
    cleaned: dict[str, dict[int, int]] = field(default_factory=dict)
    repaired: int = 0

    @classmethod
    def of_all(cls, profiles: "Sequence[Profile]") -> "Profile":
        """Of all the rows of these."""
        blank: Counter[int] = Counter()
        cleaned: dict[str, Counter[int]] = {}
        for one in profiles:
            blank.update(one.blank)
            for rule, columns in one.cleaned.items():
                cleaned.setdefault(rule, Counter()).update(columns)
        counted = {rule: dict(columns) for rule, columns in cleaned.items()}
        return cls(dict(blank), counted, sum(one.repaired for one in profiles))

    def as_json(self) -> str:
        """As it is stored with the batch."""
        return orjson.dumps(self, option=orjson.OPT_NON_STR_KEYS).decode()

    @classmethod
    def from_json(cls, text: str) -> "Profile":
        """As `as_json` wrote it."""
        told = orjson.loads(text)
        cleaned = {rule: _by_column(columns) for rule, columns in told["cleaned"].items()}
        return cls(_by_column(told["blank"]), cleaned, told["repaired"])


def _by_column(counts: dict[str, int]) -> dict[int, int]:
    return {int(column): count for column, count in counts.items()}


class Profiler:
    """Sees many rows at once: what is blank nowhere and clean costs next to nothing."""

    def __init__(self) -> None:
        self._blank: Counter[int] = Counter()
        self._cleaned: Counter[tuple[str, int]] = Counter()
        self._repaired = 0

    def see(self, rows: Sequence[Sequence[str]], data: Sequence[bytes], together: bytes, repaired: int) -> None:
        """Rows of the same width: the cells of each, the same as JSON, one by one and together; how many are repaired.

        `together`: see `rows_to_clean`.
        """
        self._repaired += repaired
        for column, cells in enumerate(zip(*rows, strict=True)):
            blank = cells.count("")
            if blank:
                self._blank[column] += blank
        for place in rows_to_clean(data, together):
            self._look_closely(rows[place])

    def _look_closely(self, cells: Sequence[str]) -> None:
        self._blank.update([column for column, cell in enumerate(cells) if cell.isspace()])
        self._cleaned.update((rule, column) for column, rule in count_changes(cells))

    def profile(self) -> Profile:
        """Of all rows seen."""
        cleaned: dict[str, dict[int, int]] = {}
        for (rule, column), count in sorted(self._cleaned.items()):
            cleaned.setdefault(rule, {})[column] = count
        return Profile(dict(sorted(self._blank.items())), cleaned, self._repaired)
