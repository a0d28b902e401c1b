"""Report of the benchmark: the results as Markdown between two markers in docs/benchmarks.md."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bench.results import Entry, Results, write_atomically
from bench.section import Section

BEGIN = "<!-- bench: written by `make bench` -->"
END = "<!-- /bench -->"

Stamp = tuple[str, str]  # date, machine


def update_page(page: Path, sections: Sequence[Section[Any]], results: Results) -> None:
    """Replace the text between the markers, atomically. Raises ``ValueError`` if the page has none."""
    before, begin, rest = page.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} has no place for the results; add {BEGIN} and {END}")
    write_atomically(page, f"{before}{BEGIN}\n{markdown(sections, results)}\n{END}{after}")


def markdown(sections: Sequence[Section[Any]], results: Results) -> str:
    """Format every section that has figures or failures, under the date and machine that most parts share."""
    stamps = Counter((entry.date, entry.machine) for entry in results.root.values() if entry.rows)
    if not stamps:
        return "Nothing has been measured yet."
    most_common = stamps.most_common(1)[0][0]
    exceptions = ", where nothing else is said" if len(stamps) > 1 else ""
    blocks = [f"Taken {most_common[0]} on {most_common[1]}{exceptions}."]
    for section in sections:
        blocks += _section(section, results, most_common)
    return "\n\n".join(blocks)


def _section(section: Section[Any], results: Results, most_common: Stamp) -> Iterator[str]:
    rows: list[Any] = []
    remarks: list[str] = []
    for part in section.parts:
        name = section.full_name(part)
        entry = results.root.get(name, Entry())
        try:
            section.table(entry.rows)
        except ValidationError:
            remarks.append(f"`{name}` has figures of an earlier form only; it has to be measured again.")
            continue
        rows += entry.rows
        remarks += _remarks(name, entry, most_common)
    if rows:
        yield f"{section.about}:"
        yield section.table(rows)
    if remarks:
        yield " ".join(remarks)


def _remarks(name: str, entry: Entry, most_common: Stamp) -> Iterator[str]:
    if entry.rows and (entry.date, entry.machine) != most_common:
        machine = f" on {entry.machine}" if entry.machine != most_common[1] else ""
        yield f"`{name}` was taken {entry.date}{machine}."
    if entry.quick:
        yield f"`{name}` comes from a quick run, with few repetitions."
    if entry.failure is not None:
        kept = "the figures are of an earlier run" if entry.rows else "there are no figures"
        yield f"Measuring `{name}` failed on {entry.failure.date} ({entry.failure.error}); {kept}."
