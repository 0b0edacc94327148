"""Which mapping a batch is carried out with, or why it must wait."""

from collections.abc import Sequence

from okr_common.errors import PermanentError
from okr_common.sources import Mapping, SourcesFolder, missing_columns
from okr_etl.domain.check import trouble


class Mappings:
    """The mappings as the folder holds them now; a mended one is seen at once."""

    def __init__(self, folder: SourcesFolder) -> None:
        self._folder = folder
        self._checked: dict[str, list[str]] = {}

    def of(self, source: str, header: Sequence[str]) -> Mapping:
        """The source's mapping. Raises PermanentError that says what to mend; its batches wait until then."""
        sources = self._folder.current()
        file = self._folder.folder / f"{source}.yaml"
        problems = sources.problems_of(source)
        if problems:
            raise PermanentError("broken_mapping", "; ".join(str(problem) for problem in problems))
        if source not in sources.mappings:
            raise PermanentError("no_mapping", f"there is no {file}; put the source's mapping there")
        mapping = sources.mappings[source]
        wrong = self._trouble(mapping) or _lacking(mapping, header)
        if wrong:
            raise PermanentError("broken_mapping", f"{file}: {'; '.join(wrong)}")
        return mapping

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
