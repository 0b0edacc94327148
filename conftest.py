"""Fixtures of all tests: `stack` and `fresh_stack` give a real Kafka and a real PostgreSQL, `flow` all the services."""

pytest_plugins = ["okr_stack.testing", "okr_cli.testing"]
