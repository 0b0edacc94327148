"""ingest-csv: any CSV file becomes raw rows, exactly once."""
