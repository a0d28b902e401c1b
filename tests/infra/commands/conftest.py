"""Fixtures of the tests of operators' commands: the fake service and the stub runtime of ``tests/darkroom``."""

from tests.darkroom.conftest import folder, photo, runtime, service, signed_in

__all__ = ["folder", "photo", "runtime", "service", "signed_in"]
