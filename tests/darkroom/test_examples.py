"""Examples in the docstrings of the public package."""

import doctest
import pkgutil
from importlib import import_module

import pytest

import darkroom

MODULES = ["darkroom", *(each.name for each in pkgutil.walk_packages(darkroom.__path__, "darkroom."))]


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__main__")])
def test_the_examples_of_a_module_are_right(name: str) -> None:
    assert doctest.testmod(import_module(name)).failed == 0
