"""Commands from entry points: packages add commands to ``darkroom`` in the group ``darkroom.commands``.

Each entry point names a ``LazyCommand``. The operators' commands are added this way from ``infra/``. The wheel of the
SDK has their entry points, but not ``infra/``: there they are listed, and say what they need when they are called.
"""

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from darkroom.cli.lazy import LazyCommand

GROUP = "darkroom.commands"
NOT_INSTALLED = LazyCommand("darkroom.cli.not_installed", "Needs a checkout of the project.")


@cache
def registered_commands() -> dict[str, EntryPoint]:
    """Return the entry points of the group by the name of their command."""
    return {entry_point.name: entry_point for entry_point in entry_points(group=GROUP)}


def load_command(name: str) -> LazyCommand | None:
    """Load the registered command with this name, without importing its own module.

    It is ``NOT_INSTALLED`` if the package of the entry point is absent. Other import errors propagate.
    """
    entry_point = registered_commands().get(name)
    if entry_point is None:
        return None
    try:
        command = entry_point.load()
    except ModuleNotFoundError as error:
        if error.name != entry_point.module.partition(".")[0]:
            raise
        return NOT_INSTALLED
    if not isinstance(command, LazyCommand):
        raise TypeError(f"the entry point {entry_point.value} names no LazyCommand")
    return command
