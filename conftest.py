"""Fixtures of all tests: `stack` and `fresh_stack` give a real Kafka and a real PostgreSQL, `flow` all the services."""

from collections import defaultdict

import pytest
from hypothesis import settings

pytest_plugins = ["okr_stack.testing", "okr_cli.testing"]
settings.register_profile("okr", deadline=None)  # a busy machine is slow, which no test is about
settings.load_profile("okr")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files whose tests may take longest come first: else one worker is busy with them when the others are done."""
    patience: dict[str, float] = defaultdict(float)
    for item in items:
        file, marker = item.nodeid.partition("::")[0], item.get_closest_marker("timeout")
        patience[file] = max(patience[file], float(marker.args[0]) if marker else 0.0)
    items.sort(key=lambda item: -patience[item.nodeid.partition("::")[0]])
