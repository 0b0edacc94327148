"""Which endpoints are to be asked: the API sources of the mappings folder, as it is now."""

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence

from okr_common.errors import PermanentError
from okr_common.sources import ApiBlock, Mapping, SourcesFolder


class Endpoints:
    """The API sources."""

    def __init__(self, folder: SourcesFolder) -> None:
        self._folder = folder

    def all(self) -> dict[str, Mapping]:
        """Every API source whose mapping is in order, asked or not."""
        return {name: mapping for name, mapping in self._folder.current().mappings.items() if mapping.api is not None}

    def enabled(self, wanted: Sequence[str] | None = None) -> dict[str, tuple[Mapping, ApiBlock]]:
        """The sources to ask, all or those named. Raises PermanentError where a named one cannot be asked."""
        asked = {name: (mapping, mapping.api) for name, mapping in self.all().items() if mapping.api is not None}
        asked = {name: (mapping, api) for name, (mapping, api) in asked.items() if api.enabled}
        for name in wanted or ():
            if name not in asked:
                raise PermanentError("no_such_source", self._why_not(name, asked))
        return asked if wanted is None else {name: asked[name] for name in wanted}

    def of(self, name: str) -> ApiBlock:
        """A source's endpoint, enabled or not. Raises PermanentError where there is none."""
        mapping = self.all().get(name)
        if mapping is None or mapping.api is None:
            raise PermanentError("no_such_source", self._unknown(name, "there are", self.all()))
        return mapping.api

    def misses(self, name: str) -> bool:
        """Whether it matters which objects the source has no more."""
        mapping = self.all().get(name)
        return mapping is not None and mapping.absent.closes

    def problems(self) -> dict[str, list[str]]:
        """What is wrong with the mappings that cannot be read, of whatever kind they are."""
        found: dict[str, list[str]] = {}
        for problem in self._folder.current().problems:
            found.setdefault(problem.source, []).append(str(problem))
        return found

    def _why_not(self, name: str, asked: MappingOf[str, object]) -> str:
        if name in self.all():
            return f"{name} is not enabled; set api.enabled to true in its mapping"
        return self._unknown(name, "enabled are", asked)

    def _unknown(self, name: str, those: str, known: MappingOf[str, object]) -> str:
        problems = self.problems().get(name)
        if problems:
            return f"the mapping of {name} must be mended first: {problems[0]}"
        return f"there is no API source {name!r}; {those}: {', '.join(sorted(known)) or 'none'}"
