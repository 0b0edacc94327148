"""Which source a file belongs to."""

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePath
from stat import S_ISREG

from okr_common.errors import PermanentError
from okr_common.sources.checks import MissingColumn, missing_columns
from okr_common.sources.language import Mapping
from okr_common.sources.loader import SourceProblem, load_mapping

SHOWN_NAMES, SHOWN_CHARACTERS = 20, 80


@dataclass(frozen=True, slots=True)
class Recognised:
    """The source of a file, and `by` what it was recognised: hint, folder or conditions."""

    source: str
    by: str


@dataclass(frozen=True, slots=True)
class Sources:
    """All sources: those that are in order by name, what is wrong with others, and the files that are still empty."""

    mappings: MappingOf[str, Mapping]
    problems: tuple[SourceProblem, ...] = ()
    empty: tuple[Path, ...] = ()

    def problems_of(self, source: str) -> tuple[SourceProblem, ...]:
        """What keeps this source from being processed; empty when nothing does, or nobody knows the source."""
        return tuple(problem for problem in self.problems if problem.source == source)

    def empty_file(self, source: str) -> Path | None:
        """The file of this source's mapping where nothing stands in it yet."""
        return next((file for file in self.empty if file.stem == source), None)

    def by_place(self, path_text: str, hint: str | None = None) -> Mapping | None:
        """The mapping of this file where its header is not needed to tell: by hint, folder or path alone.

        Raises PermanentError like `recognise`.
        """
        placed = self._placed(path_text, hint)
        if placed is not None:
            return self.mappings[placed.source]
        found = [one for one in self._of_files() if not _columns(one) and _fits(one, path_text, ())]
        return found[0] if len(found) == 1 else None

    def is_header(self, path_text: str, header: Sequence[str]) -> bool:
        """Whether some mapping recognises a file at this path by these columns."""
        return any(_columns(one) and _fits(one, path_text, header) for one in self._of_files())

    def recognise(self, path_text: str, header: Sequence[str], hint: str | None = None) -> Recognised:
        """The source of this file.

        A hint (an upload that names its source) decides, then a folder on the path that is named like a source, then
        the mappings' own conditions. Raises PermanentError `unrecognised` or `ambiguous`; its text says what to do.
        """
        placed = self._placed(path_text, hint)
        if placed is not None:
            return placed
        found = [mapping.name for mapping in self._of_files() if _fits(mapping, path_text, header)]
        if len(found) > 1:
            raise PermanentError(
                "ambiguous",
                f"{path_text} fits {_and(found)}; narrow a recognise block, or use a folder named like the source",
            )
        if not found:
            raise self._unrecognised(path_text, header)
        return Recognised(found[0], "conditions")

    def in_the_way(self, path_text: str, hint: str | None = None) -> tuple[SourceProblem, ...]:
        """What is wrong with the mapping of the source that a hint or a folder says this file is of."""
        named = hint if hint is not None else self._folder(path_text)
        return self.problems_of(named) if named is not None else ()

    def _placed(self, path_text: str, hint: str | None) -> Recognised | None:
        if hint is not None:
            return Recognised(self._known(hint), "hint")
        folder = self._folder(path_text)
        return Recognised(self._known(folder), "folder") if folder is not None else None

    def _folder(self, path_text: str) -> str | None:
        """The innermost folder on the path that is named like a source."""
        folders = reversed(PurePath(path_text).parts[:-1])
        return next((one for one in folders if self._is_named(one)), None)

    def _is_named(self, source: str) -> bool:
        return source in self.mappings or bool(self.problems_of(source)) or self.empty_file(source) is not None

    def _unrecognised(self, path_text: str, header: Sequence[str]) -> PermanentError:
        """A mapping that cannot be read may be the one that was meant."""
        if not self.problems:
            return PermanentError("unrecognised", f"{path_text}: no mapping fits its header. {self._nearest(header)}")
        first, more = self.problems[0], len(self.problems) - 1
        told = f"{first}" + (f" (and {more} more)" if more else "")
        return PermanentError(
            "broken_mapping",
            f"{path_text}: no mapping that can be read fits its header, and one cannot be read: {told}. Mend it and "
            f"drop the file again; or: {self._nearest(header)}",
        )

    def _known(self, source: str) -> str:
        problems = self.problems_of(source)
        if problems:
            raise PermanentError("broken_mapping", f"the mapping of {source} must be mended first: {problems[0]}")
        empty = self.empty_file(source)
        if empty is not None:
            raise PermanentError("unrecognised", f"{empty} is empty: write the mapping of {source} into it first")
        if source not in self.mappings:
            raise PermanentError("unrecognised", f'there is no source "{source}"; known: {_and(sorted(self.mappings))}')
        return source

    def _of_files(self) -> Iterable[Mapping]:
        return (mapping for mapping in self.mappings.values() if mapping.recognise is not None)

    def _nearest(self, header: Sequence[str]) -> str:
        """What the mapping that comes closest misses, or how to begin."""
        lacking = {mapping.name: missing_columns(mapping, header) for mapping in self._of_files()}
        closest = min(lacking, key=lambda name: len(lacking[name]), default=None)
        if closest is None or 2 * len(lacking[closest]) > len(self.mappings[closest].columns):
            return f"Its columns are {_and(_shortened(header))}; write a mapping for it under configs/sources."
        if not lacking[closest]:
            return f"{closest} would read it, but its recognise block asks for something else."
        return f"The nearest is {closest}, which also reads {_and([_missing(column) for column in lacking[closest]])}."


def mapping_files(folder: Path) -> list[Path]:
    """Every `*.yaml` of the folder, except hidden ones: editors leave those beside a file that is being written."""
    return sorted(file for file in folder.glob("*.yaml") if not file.name.startswith("."))


def _is_empty(file: Path) -> bool:
    """Nothing stands in it yet: a shell makes the file first, and writes what a program prints into it later."""
    try:
        stat = file.stat()
    except OSError:
        return False  # loading tells what is wrong with it
    return S_ISREG(stat.st_mode) and stat.st_size == 0


def load_sources(folder: Path) -> Sources:
    """The mappings of the folder; a wrong one is a problem and stops only its own source. Empty files are none."""
    mappings: dict[str, Mapping] = {}
    problems: list[SourceProblem] = []
    empty: list[Path] = []
    for file in mapping_files(folder):
        if _is_empty(file):
            empty.append(file)
            continue
        loaded = load_mapping(file)
        if isinstance(loaded, Mapping):
            mappings[loaded.name] = loaded
        else:
            problems.extend(loaded)
    return Sources(mappings, tuple(problems), tuple(empty))


def _columns(mapping: Mapping) -> tuple[str, ...]:
    """The columns it is recognised by."""
    return mapping.recognise.columns if mapping.recognise else ()


def _fits(mapping: Mapping, path_text: str, header: Sequence[str]) -> bool:
    rule = mapping.recognise
    if rule is None:
        return False
    names = {name.strip() for name in header}
    known = mapping.is_transposed(header) or names.issuperset(rule.columns)
    return known and (rule.path is None or fnmatchcase(path_text, rule.path))


def _missing(column: MissingColumn) -> str:
    return f"{column.name} (the file has {column.nearest})" if column.nearest else column.name


def _shortened(header: Sequence[str]) -> list[str]:
    """A header may be as large as a file."""
    shown = [
        name if len(name) <= SHOWN_CHARACTERS else f"{name[:SHOWN_CHARACTERS]}..." for name in header[:SHOWN_NAMES]
    ]
    return [*shown, f"{len(header) - SHOWN_NAMES} more"] if len(header) > SHOWN_NAMES else shown


def _and(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + (" and " if names[:-1] else "") + (names[-1] if names else "none")
