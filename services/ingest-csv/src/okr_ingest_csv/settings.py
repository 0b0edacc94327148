"""Settings of ingest-csv: the group `ingest_csv`."""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from okr_common.settings import Group, ServiceSettings

Complete = Literal["rest", "done_file", "manifest"]


class Folder(Group):
    """A watched folder; where only the path is to be said, a string will do."""

    path: Path = Field(
        description="made at start where it is missing; relative to where services run: to the checkout, with `okr up`"
    )
    include: tuple[str, ...] = Field(
        (),
        description="names to take, upper and lower case alike; one with a slash is held against the path below the "
        "folder; empty: `patterns`. What is hidden never is",
    )
    exclude: tuple[str, ...] = Field((), description="names not to take, although they are included")
    recursive: bool = Field(False, description="folders in it too, also those made later; links to folders never")
    source: str | None = Field(None, description="files of this folder belong to this source, whatever they hold")
    complete: Complete = Field(
        "rest",
        description="when a file is taken: `rest`, closed, renamed in, or not written to for stable_seconds; "
        "`done_file`, once x.csv.done stands beside x.csv; `manifest`, once a *.manifest file in its folder or one "
        "above, itself at rest, names it: one relative name a line",
    )

    @model_validator(mode="before")
    @classmethod
    def _from_path(cls, given: Any) -> Any:  # noqa: ANN401 - whatever the settings hold
        return {"path": given} if isinstance(given, str | Path) else given

    @model_serializer(mode="wrap")
    def _short(self, write: SerializerFunctionWrapHandler) -> Any:  # noqa: ANN401 - a string or a block
        return str(self.path) if self.model_fields_set == {"path"} else write(self)


class ArchiveSettings(Group):
    """What becomes of a file that was read to its end; failed and quarantined ones stay where they are."""

    after: Literal["keep", "move", "gzip"] = Field(
        "keep",
        description="`keep`: it stays; `move`, `gzip`: it goes to <folder>/<source>/<file id>-<name>, if it still is "
        "the very file that was read; its .done file, where folders ask for one, is removed",
    )
    folder: Path = Field(Path("data/archive"), description="made when it is needed; in no recursive folder")


class IngestCsvSettings(Group):
    """Where files come from, when they count as complete, and how much is done at once."""

    folders: tuple[Folder, ...] = Field(
        (Folder(path=Path("data/raw")),), description="watched: a path, or a block of the keys below"
    )
    patterns: tuple[str, ...] = Field(
        ("*.csv",), description="names to take where a folder has no `include` of its own, upper and lower case alike"
    )
    stable_seconds: float = Field(
        2.0,
        ge=0,
        description="a file that nobody saw being closed is complete when it was not written to for these "
        "seconds: a copy over a network may pause as long",
    )
    rescan_seconds: float = Field(
        60.0,
        gt=0,
        description="seconds between two looks into the folders, beside the live watch and the scheduled sweep: what a "
        "lost notification may cost",
    )
    max_file_bytes: int = Field(
        50_000_000_000,
        ge=1,
        description="bytes; a larger file is left alone before it is read (`file_too_large`): most likely "
        "it is no export",
    )
    upload_folder: Path = Field(
        Path("data/uploads"),
        description="where POST /files puts what it is sent; made at start, watched like the others; `okr up` keeps it "
        "in the folder of its stack where nobody says otherwise",
    )
    max_upload_bytes: int = Field(
        2_000_000_000,
        ge=1,
        description="bytes; a larger upload is refused (413): put it into a folder, where it can wait",
    )
    min_free_bytes: int = Field(
        1_073_741_824,
        ge=0,
        description="bytes; while a disk has less, no file is read on, and no upload is taken that would leave it "
        "less (507)",
    )
    slow_seconds: float = Field(
        10.0,
        gt=0,
        description="a batch that okr_raw stores for longer than these seconds is told: most take less than one",
    )
    disks: tuple[Path, ...] = Field(
        (),
        description="folders whose disks are watched beside the upload folder's: the database's, if it is here",
    )
    archive: ArchiveSettings = Field(ArchiveSettings(), description="see below")
    batch_rows: int = Field(
        16_000,
        ge=1,
        le=1_000_000,
        description="rows per transaction: what a crash reads again, and what etl takes at once: with 16,000 it took "
        "up to 349 MiB of a million rows, with 20,000 up to 382",
    )
    max_columns: int = Field(
        5_000, ge=1, description="a header with more columns is refused: too_many_columns; most likely it is transposed"
    )
    max_header_bytes: int = Field(
        65_536,
        ge=1,
        le=131_072,
        description="a header with more characters is refused: header_too_long; most likely a quote is never closed",
    )
    max_cell_bytes: int = Field(
        1_048_576,
        ge=1_024,
        le=16_777_216,
        description="bytes as UTF-8; a larger cell, which no message could carry, makes its record unreadable: "
        "cell_too_large; a record over twice this is not parsed",
    )
    max_rows: int = Field(
        100_000_000,
        ge=1,
        description="a file with more records fails: too_many_rows; bounds what one file takes of the disk",
    )
    large_file_bytes: int = Field(
        33_554_432,
        ge=1,
        description="bytes; a larger file gets a plan first and is read in parts, by several processes; below it the "
        "plan costs more than it brings",
    )
    readers: int = Field(2, ge=1, le=64, description="processes that read the parts of large files: a core each")
    memory_bytes: int = Field(
        268_435_456,
        ge=16_777_216,
        description="bytes, for the parts of large files that are being read or stored, all together",
    )
    parallel_sources: int = Field(
        4,
        ge=1,
        le=64,
        description="sources loaded at the same time, so that a large file holds up its own only; each holds a "
        "connection",
    )

    @model_validator(mode="after")
    def _archive_apart(self) -> Self:
        archive = self.archive.folder.absolute()
        for folder in self.watched if self.archive.after != "keep" else ():
            if archive == folder.path or (folder.recursive and archive.is_relative_to(folder.path)):
                raise ValueError(f"archive.folder {archive} is watched, as {folder.path}; name one outside of it")
        return self

    @property
    def watched(self) -> tuple[Folder, ...]:
        """All folders to look into, as they are to be looked into: absolute, and with what they include."""
        return tuple(map(self._whole, (*self.folders, Folder(path=self.upload_folder, recursive=True))))

    def _whole(self, folder: Folder) -> Folder:
        return folder.model_copy(update={"path": folder.path.absolute(), "include": folder.include or self.patterns})


class Settings(ServiceSettings):
    """What ingest-csv reads."""

    ingest_csv: IngestCsvSettings = IngestCsvSettings()
