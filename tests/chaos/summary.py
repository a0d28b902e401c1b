"""Summary of a campaign in tables: its jobs, its faults, its events, and each invariant with its violations."""

from collections import Counter
from collections.abc import Iterator

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from tests.chaos.campaign import Options, Progress, Report
from tests.chaos.invariants import INVARIANTS

SHOWN_VIOLATIONS = 10


def progress_line(progress: Progress) -> Text:
    """Return the current numbers in one line."""
    parts = [
        progress.phase,
        f"{progress.accepted} of {progress.jobs} jobs accepted, {progress.ended} ended",
        f"{progress.faults.total()} faults",
        f"{progress.events.total()} events repeated",
    ]
    return Text(" · ".join(parts))


def print_summary(report: Report, console: Console) -> None:
    """Print the tables, and how to repeat the run."""
    console.print(Group(jobs_table(report), numbers_table(report)))
    for line in invariant_lines(report):
        console.print(line, soft_wrap=True)
    console.print(f"{report.seconds:.0f} s, {repeat_hint(report.options)}", soft_wrap=True)


def repeat_hint(options: Options) -> str:
    """Return the seed, and the command that runs the same campaign."""
    faults = ",".join(sorted(options.faults))
    return f"seed {options.seed}. Repeat it with: make chaos JOBS={options.jobs} SEED={options.seed} FAULTS={faults}"


def jobs_table(report: Report) -> Table:
    """Return how many jobs of each kind came to which state."""
    rows = report.snapshot.rows.values()
    states = sorted({row.state.value for row in rows})
    table = Table("kind", *states, "attempts", "cost", title="Jobs")
    for kind in sorted({row.kind.value for row in rows}):
        jobs = [row for row in rows if row.kind.value == kind]
        counts = Counter(row.state.value for row in jobs)
        cost = sum(row.cost_usd or 0 for row in jobs)
        numbers = [str(counts[state]) for state in states]
        table.add_row(kind, *numbers, str(sum(row.attempt for row in jobs)), f"${cost:.6f}")
    return table


def numbers_table(report: Report) -> Table:
    """Return how many faults were injected, events repeated and jobs submitted again."""
    table = Table("", "number", title="Faults and events")
    for name, count in sorted(report.progress.faults.items()):
        table.add_row(name, str(count))
    for function, count in sorted(report.progress.events.items()):
        table.add_row(f"events repeated: {function}", str(count))
    for phase, seconds in report.progress.phase_seconds.items():
        table.add_row(f"seconds: {phase}", f"{seconds:.1f}")
    table.add_row("jobs submitted again", str(sum(watch.resubmitted for watch in report.snapshot.watches)))
    table.add_row("files uploaded again", str(sum(watch.uploaded_again for watch in report.snapshot.watches)))
    return table


def invariant_lines(report: Report) -> Iterator[str]:
    """Yield a line for each invariant, and its first violations."""
    for name, invariant in INVARIANTS.items():
        found = report.violations[name]
        yield f"{'[red]violated[/red]' if found else '[green]holds[/green]   '} {name}: {invariant.promise}"
        yield from (f"         [red]–[/red] {violation}" for violation in found[:SHOWN_VIOLATIONS])
        if len(found) > SHOWN_VIOLATIONS:
            yield f"         and {len(found) - SHOWN_VIOLATIONS} more"
