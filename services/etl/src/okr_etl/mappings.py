"""Which mapping a batch is carried out with, or why it must wait."""

from collections.abc import Sequence
from pathlib import Path

from okr_common.errors import PermanentError
from okr_common.sources import Mapping, SourcesFolder, line_of, missing_columns
from okr_etl.domain.check import trouble

_NO_KEY = (
    "it hides people ({}), and there is no key to do it with: set etl.person_key, "
    "as OKR_ETL__PERSON_KEY_FILE, and start etl again"
)


class Mappings:
    """The mappings as the folder holds them now; a mended one is seen at once. `key` hides the people in their rows."""

    def __init__(self, folder: SourcesFolder, person_key: str = "") -> None:
        self.key = person_key.encode()
        self._folder = folder
        self._checked: dict[str, list[str]] = {}

    @property
    def folder(self) -> Path:
        """Where they are."""
        return self._folder.folder.absolute()

    def of(self, source: str, header: Sequence[str]) -> Mapping:
        """The source's mapping, for rows under this header.

        Raises PermanentError that says what to mend; its batches wait until then.
        """
        mapping = self.now(source)
        wrong = _lacking(mapping, header)
        if wrong:
            raise PermanentError("broken_mapping", f"{self._file(source)}: {'; '.join(wrong)}")
        return mapping

    def now(self, source: str) -> Mapping:
        """The source's mapping, whatever it is to read. Raises PermanentError that says what to mend."""
        sources = self._folder.current()
        problems = sources.problems_of(source)
        if problems:
            raise PermanentError("broken_mapping", "; ".join(str(problem) for problem in problems))
        if sources.empty_file(source) is not None:
            raise PermanentError("no_mapping", f"{self._file(source)} is empty; write the source's mapping into it")
        if source not in sources.mappings:
            raise PermanentError("no_mapping", f"there is no {self._file(source)}; put the source's mapping there")
        mapping = sources.mappings[source]
        wrong = [self._placed(source, one) for one in self._trouble(mapping)]
        if wrong:
            raise PermanentError("broken_mapping", "; ".join(wrong))
        if mapping.people and not self.key:
            raise PermanentError("no_person_key", f"{self._file(source)}: {_NO_KEY.format(', '.join(mapping.people))}")
        return mapping

    def ending_by_due_date(self) -> list[str]:
        """The sources whose key results end by their due dates."""
        return [name for name, mapping in self._folder.current().mappings.items() if mapping.entities.due is not None]

    def _file(self, source: str) -> Path:
        return self._folder.folder / f"{source}.yaml"

    def _placed(self, source: str, wrong: str) -> str:
        """As what cannot be read is told: file, line, key, message."""
        file = self._file(source)
        return f"{file}:{line_of(file, wrong.partition(': ')[0])}: {wrong}"

    def _trouble(self, mapping: Mapping) -> list[str]:
        if mapping.hash not in self._checked:
            self._checked[mapping.hash] = trouble(mapping)
        return self._checked[mapping.hash]


def _lacking(mapping: Mapping, header: Sequence[str]) -> list[str]:
    if mapping.kind == "api":
        return []
    return [
        f"it reads {column.name}, which the file's header lacks"
        + (f" (it has {column.nearest})" if column.nearest else "")
        for column in missing_columns(mapping, header)
    ]
