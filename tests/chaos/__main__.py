"""``python -m tests.chaos``: runs a fault campaign on a local stack of its own, and prints what held."""

import secrets
import tempfile
import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from darkroom.cli.termination import termination_signals
from tests.chaos.campaign import SECONDS_TO_END, Campaign, Options, Report
from tests.chaos.fault_injection import FaultGroup, StackLost
from tests.chaos.summary import print_summary, progress_line, repeat_hint

REFRESH_SECONDS = 0.5
FILE_WIDTH = 160  # of tables that go into a file


def read_faults(text: str) -> list[FaultGroup]:
    """Return the groups of a comma-separated list."""
    try:
        return [FaultGroup(name.strip()) for name in text.split(",") if name.strip()]
    except ValueError as error:
        raise typer.BadParameter(f"{error}; known are {', '.join(FaultGroup)}") from None


def main(
    jobs: Annotated[int, typer.Option(min=1, help="Number of jobs, of every kind in turn.")] = 200,
    seed: Annotated[int | None, typer.Option(help="Seed of jobs and faults; by chance when left out.")] = None,
    faults: Annotated[str, typer.Option(help="Groups of faults, comma-separated.")] = ",".join(FaultGroup),
    seconds: Annotated[
        float, typer.Option(help="Time after the last fault in which every job must end.")
    ] = SECONDS_TO_END,
    callers: Annotated[int, typer.Option(min=1, help="Number of jobs at once.")] = 8,
    folder: Annotated[Path | None, typer.Option(help="Folder of the stack, kept for its logs.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the stack; a free one when left out.")] = None,
) -> None:
    """Run a fault campaign. Exit status: 0 if every invariant holds, otherwise 1; 128 + the signal's number if it is
    terminated, which stops its stack.
    """
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = FILE_WIDTH
    chosen = secrets.randbelow(10_000) if seed is None else seed
    options = Options(jobs, chosen, read_faults(faults), seconds, callers, port)
    console.print(f"{jobs} jobs, seed {options.seed}, faults: {', '.join(options.faults) or 'none'}")
    with tempfile.TemporaryDirectory(prefix="darkroom-chaos-", ignore_cleanup_errors=True) as temporary:
        try:
            report = run_with_display(Campaign(options, folder or Path(temporary)), console)
        except StackLost as lost:
            console.print(f"[red]violated[/red] {lost}", soft_wrap=True)
            console.print(repeat_hint(options), soft_wrap=True)
            raise typer.Exit(1) from None
    print_summary(report, console)
    raise typer.Exit(0 if report.passed else 1)


def run_with_display(campaign: Campaign, console: Console) -> Report:
    """Run a campaign, and show its numbers meanwhile."""
    done = threading.Event()

    def refresh() -> None:
        while not done.wait(REFRESH_SECONDS):
            live.update(progress_line(campaign.progress))

    with Live(progress_line(campaign.progress), console=console, transient=True) as live:
        thread = threading.Thread(target=refresh, name="display", daemon=True)
        thread.start()
        try:
            return campaign.run()
        finally:
            done.set()
            thread.join()


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    with termination_signals():
        app(prog_name="python -m tests.chaos")
