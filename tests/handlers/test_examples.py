"""The examples in the docstrings are true."""

import doctest
import importlib
import pkgutil

import pytest

import handlers

MODULES = [module.name for module in pkgutil.iter_modules(handlers.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(f"handlers.{name}")).failed == 0
