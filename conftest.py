"""Fixtures of all tests: `stack` and `fresh_stack` give a real Kafka and a real PostgreSQL, `flow` all the services."""

from hypothesis import settings

pytest_plugins = ["okr_stack.testing", "okr_cli.testing"]
settings.register_profile("okr", deadline=None)  # a busy machine is slow, which no test is about
settings.load_profile("okr")
