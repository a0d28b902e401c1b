"""Tables of the deploy commands, and the commands to type next."""

from collections.abc import Iterable, Sequence

from rich.table import Table

from darkroom.cli.console import console
from darkroom.cli.output import echo


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under the names of their columns. The first column is never wrapped."""
    table = Table(*columns, box=None, pad_edge=False)
    table.columns[0].no_wrap = True
    for row in rows:
        table.add_row(*row)
    console().print(table)


def print_next(*commands: tuple[str, str]) -> None:
    """Print the commands to type next, each with its reason."""
    if not commands:
        return
    width = max(len(command) for command, _ in commands)
    echo("\nNext")
    for command, reason in commands:
        echo(f"  {command:<{width}}  {reason}")
