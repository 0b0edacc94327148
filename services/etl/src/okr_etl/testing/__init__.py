"""What tests of etl share: a source in memory, and released batches without an ingest service."""

from okr_etl.testing.memory import INGESTED_AT, VERSION, MemorySource, raw_batch
from okr_etl.testing.released import RawWriter
from okr_etl.testing.undisturbed import undisturbed

__all__ = ["INGESTED_AT", "VERSION", "MemorySource", "RawWriter", "raw_batch", "undisturbed"]
