"""The embedded stack: a real Kafka, a real PostgreSQL and the services as child processes of one supervisor."""
