"""ingest-api: the objects of any paged REST API become raw rows, exactly once."""
