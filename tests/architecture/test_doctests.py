"""The examples in docstrings run, of every module of every package."""

import doctest
import importlib
import pkgutil
from collections.abc import Iterator

import pytest

from okr_common.topology import STAGES

PACKAGES = ("okr_common", "okr_stack", "okr_cli", *(stage.module for stage in STAGES.values()))


def modules(package: str) -> Iterator[str]:
    yield package
    path = importlib.import_module(package).__path__
    yield from (each.name for each in pkgutil.walk_packages(path, f"{package}.") if not each.name.endswith("__main__"))


@pytest.mark.parametrize("package", PACKAGES)
def test_examples_hold(package: str) -> None:
    results = {name: doctest.testmod(importlib.import_module(name)) for name in modules(package)}
    assert {name: result for name, result in results.items() if result.failed} == {}
