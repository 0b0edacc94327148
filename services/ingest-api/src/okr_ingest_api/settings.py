"""Settings of ingest-api: the group `ingest_api`. What belongs to one endpoint stands in its mapping."""

from pydantic import Field

from okr_common.settings import Group, ServiceSettings


class IngestApiSettings(Group):
    """How patiently APIs are asked, and how much is taken from them."""

    timeout_seconds: float = Field(30.0, gt=0, description="for one request, from connecting to the last byte")
    attempts: int = Field(5, ge=1, le=100, description="of one request, before its source waits for the next run")
    first_wait_seconds: float = Field(0.5, ge=0, description="between two attempts; doubled each time, plus jitter")
    longest_wait_seconds: float = Field(
        60.0, ge=0, description="an API that asks for more (Retry-After) is left alone until then"
    )
    max_pages: int = Field(10_000, ge=1, description="of one request: a safeguard against an API that never ends")
    max_page_bytes: int = Field(64 * 1024 * 1024, ge=1024, description="a larger answer is refused")
    parallel_sources: int = Field(4, ge=1, le=64, description="fetched at the same time; each holds a connection")
    publish_patience_seconds: float = Field(
        60.0, gt=0, description="how long a run waits for the broker to have it all"
    )


class Settings(ServiceSettings):
    """What ingest-api reads."""

    ingest_api: IngestApiSettings = IngestApiSettings()
