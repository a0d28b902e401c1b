"""Figures in the documentation: the tables of the benchmarks, and the aims above them, are those of the results."""

from typing import Any

from bench.__main__ import PAGE, RESULTS, SECTIONS
from bench.report import BEGIN, END, markdown
from bench.results import load
from tests.docs.pages import rows

MEASURED = {name: entry.rows for name, entry in load(RESULTS).root.items()}
PAGE_TEXT = PAGE.read_text("utf-8")


def verdict(aim: str) -> str:
    """The verdict of the row of an aim that begins with ``aim``."""
    (found,) = (cells[1] for cells in rows(PAGE_TEXT, "| aim |") if cells[0].startswith(aim))
    return found.partition(";")[0].partition(" on ")[0]


def jobs(in_flight: int, watched_by: str = "socket") -> dict[str, Any]:
    (row,) = (row for row in MEASURED[f"spine.{watched_by}"] if row["in_flight"] == in_flight)
    return row


def is_fast(row: dict[str, Any], *names: str) -> bool:
    return all(row[name]["p95"] < 100 for name in names)


def said(met: bool) -> str:
    return "met" if met else "missed"


def test_the_tables_are_those_of_the_results() -> None:
    _, _, after = PAGE_TEXT.partition(BEGIN)
    tables, _, _ = after.partition(END)
    assert tables.strip() == markdown(SECTIONS, load(RESULTS))


def test_the_verdicts_on_the_aims_are_those_of_the_results() -> None:
    assert verdict("Each Lambda") == said(max(row["zip_kb"] for row in MEASURED["lambdas"]) < 1000)
    (one_megapixel,) = (row for row in MEASURED["preview.restyle_room"] if row["megapixels"] == 1)
    assert verdict("`restyle_room`") == said(one_megapixel["milliseconds"] < 1500)
    alone = [jobs(1, watcher) for watcher in ("socket", "polling", "nobody")]
    assert verdict("API and upload") == said(all(is_fast(row, "api", "upload_to_queued") for row in alone))
    assert verdict("State → client") == said(is_fast(jobs(1), "state_to_client"))
    assert verdict("The same at 10") == said(is_fast(jobs(10), "api", "upload_to_queued", "state_to_client"))
    assert verdict("CPU time") == said(jobs(1)["load"]["cpu_ms"] <= 1.4 * jobs(1)["minimal"]["cpu_ms"])
