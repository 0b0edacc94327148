import doctest
import importlib
import pkgutil

import pytest

import okr_monitor

MODULES = [
    found.name
    for found in pkgutil.walk_packages(okr_monitor.__path__, "okr_monitor.")
    if not found.name.endswith("__main__")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
