"""Docstring examples (doctests) hold."""

import doctest
import importlib
import pkgutil

import pytest

import cloud
import handlers

MODULES = [
    module.name
    for package in (cloud, handlers)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
]


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples_hold(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
