"""The examples in docstrings run."""

import doctest
import importlib
import pkgutil

import pytest

import okr_trainer.domain

MODULES = [f"okr_trainer.domain.{module.name}" for module in pkgutil.iter_modules(okr_trainer.domain.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
