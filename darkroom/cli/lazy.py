"""Lazy command groups: commands are imported when they are called, so that ``darkroom --help`` is fast."""

import math
from importlib import import_module
from typing import Any, ClassVar, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from darkroom.cli.output import neutralised
from darkroom.cli.unexpected_error import ErrorOptions, report_client_error
from darkroom.client.errors import ClientError, EnvironmentVariableError, ProblemError


class LazyCommand(NamedTuple):
    """A command that is imported when it is called: its Typer app (``module`` or ``module:name``) and its help."""

    target: str
    help: str


class LazyGroup(TyperGroup):
    """A group whose ``lazy`` maps the name of each command to the command."""

    lazy: ClassVar[dict[str, LazyCommand]] = {}

    def list_commands(self, _ctx: Any) -> list[str]:
        """Return the command names in the order of ``lazy``."""
        return list(self.lazy)

    def get_command(self, _ctx: Any, cmd_name: str) -> Any:
        """Return the command if it is imported, otherwise a placeholder with its help."""
        if cmd_name not in self.commands and (found := self.lazy_command(cmd_name)) is not None:
            return TyperCommand(name=cmd_name, help=found.help)
        return self.commands.get(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Import the command that a command line names, then resolve it as Typer does."""
        if args and args[0] not in self.commands and (found := self.lazy_command(args[0])) is not None:
            module, _, attribute = found.target.partition(":")
            command = get_command(getattr(import_module(module), attribute or "app"))
            command.name = args[0]
            self.commands[args[0]] = command
        return super().resolve_command(ctx, args)

    def lazy_command(self, name: str) -> LazyCommand | None:
        """Return the command with this name, if the group has it."""
        return self.lazy.get(name)

    def invoke(self, ctx: Any) -> Any:
        """Invoke the command; print a ``ClientError`` in one line and exit with code 1.

        Messages of usage errors may quote files and are neutralised, too.
        """
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = neutralised(error.message)
            raise
        except ClientError as error:
            if caused_by_interrupt(error):
                raise KeyboardInterrupt from error
            wait = error.retry_after if isinstance(error, ProblemError) else None
            again = "" if wait is None or "try again" in error.message.lower() else f" Try again in {duration(wait)}."
            code = report_client_error(error, ctx.ensure_object(ErrorOptions), again)
            raise typer.Exit(2 if isinstance(error, EnvironmentVariableError) else code) from None


def caused_by_interrupt(error: BaseException) -> bool:
    """Return True if an error replaced a ``KeyboardInterrupt``, such as one that closing a connection raised.

    Python raises ``KeyboardInterrupt`` at any line. A library that then fails to clean up raises its own error instead.
    """
    earlier: BaseException | None = error
    while earlier is not None:
        if isinstance(earlier, KeyboardInterrupt):
            return True
        earlier = earlier.__cause__ or earlier.__context__
    return False


def duration(seconds: float) -> str:
    """Return a waiting time in words, rounded up.

    >>> duration(45), duration(61), duration(7200)
    ('45 seconds', '2 minutes', '2 hours')
    """
    for unit, size in (("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds > size or size == 1:
            count = max(1, math.ceil(seconds / size))
            return f"{count} {unit}{'s' if count > 1 else ''}"
    raise AssertionError("a second is the smallest unit")
