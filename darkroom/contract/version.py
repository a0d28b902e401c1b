"""Version of the installed package, by the name of its distribution."""

from importlib.metadata import version

DISTRIBUTION = "darkroom-sdk"
"""Name of the distribution: ``pip install darkroom-sdk`` brings the import package ``darkroom``."""


def installed_version() -> str:
    """Return the version. Raises ``PackageNotFoundError`` where the code runs without being installed."""
    return version(DISTRIBUTION)
