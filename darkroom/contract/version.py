"""Versions: of the API, and of the installed package by the name of its distribution."""

from importlib.metadata import version

API_VERSION = "1.1"
"""Version of the API: the first number grows with incompatible changes, the second one with additions."""

OLDEST_CLIENT = "1.0"
"""Oldest version of the API whose clients the service supports."""

API_VERSION_HEADER = "Darkroom-Api-Version"
"""Header of requests, with the version that the client was made for, and of answers, with that of the service."""

DISTRIBUTION = "darkroom-sdk"
"""Name of the distribution: ``pip install darkroom-sdk`` brings the import package ``darkroom``."""


def installed_version() -> str:
    """Return the version. Raises ``PackageNotFoundError`` where the code runs without being installed."""
    return version(DISTRIBUTION)
