"""Benchmark runner: each measurement is saved at once, even if others fail."""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from bench import __main__ as command
from bench.context import Context
from bench.report import BEGIN, END, markdown
from bench.results import Entry, Results, load, write_atomically
from bench.section import Section


class Speed(BaseModel):
    name: str
    ms: float


class FakeSections:
    """Sections of fakes: ``a.one``, ``a.two`` and ``b``. Each gives one row, or does what the test puts in."""

    def __init__(self) -> None:
        self.measured: list[str] = []
        self.replacements: dict[str, Callable[[], Sequence[Speed]]] = {}
        self.sections = (self._section("a", ("one", "two")), self._section("b", ("b",)))

    def _section(self, name: str, parts: tuple[str, ...]) -> Section[Speed]:
        return Section(
            name=name,
            about=f"Section {name}",
            row=Speed,
            heads=("Name", "ms"),
            cells=lambda row: (row.name, row.ms),
            parts={part: self._measure(part) for part in parts},
        )

    def _measure(self, part: str) -> Callable[[Context], Sequence[Speed]]:
        def measure(context: Context) -> Sequence[Speed]:
            self.measured.append(part)
            return self.replacements.get(part, lambda: [Speed(name=part, ms=float(len(self.measured)))])()

        return measure


def raising(error: BaseException) -> Callable[[], Any]:
    def do() -> Any:
        raise error

    return do


@pytest.fixture
def fake_sections() -> FakeSections:
    return FakeSections()


@pytest.fixture
def output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Path of the committed results in this test, beside a page with the markers of the tables."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(command, "PAGE", tmp_path / "benchmarks.md")
    (tmp_path / "benchmarks.md").write_text(f"Before\n{BEGIN}\nold\n{END}\nafter\n")
    return tmp_path / "results.json"


def rows(output: Path) -> dict[str, list[dict[str, Any]]]:
    return {name: entry.rows for name, entry in load(output).root.items()}


def test_every_part_is_measured_saved_and_reported(fake_sections: FakeSections, output: Path) -> None:
    assert command.main([], fake_sections.sections) == 0
    assert fake_sections.measured == ["one", "two", "b"]
    assert rows(output) == {
        "a.one": [{"name": "one", "ms": 1}],
        "a.two": [{"name": "two", "ms": 2}],
        "b": [{"name": "b", "ms": 3}],
    }
    page = (output.parent / "benchmarks.md").read_text()
    assert page.startswith("Before\n")
    assert page.endswith("\nafter\n")
    assert "Section a:\n\n| Name | ms |\n| --- | --- |\n| one | 1.0 |\n| two | 2.0 |\n\nSection b:" in page
    assert "old" not in page


def test_each_part_is_saved_before_the_next_is_measured(fake_sections: FakeSections, output: Path) -> None:
    seen = []

    def read_results() -> Sequence[Speed]:
        seen.append(sorted(rows(output)))
        assert "| one | 1.0 |" in (output.parent / "benchmarks.md").read_text()
        return [Speed(name="two", ms=1)]

    fake_sections.replacements["two"] = read_results
    assert command.main([], fake_sections.sections) == 0
    assert seen == [["a.one"]]


def test_a_failed_part_keeps_its_earlier_figures_and_the_others_are_measured(
    fake_sections: FakeSections, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    earlier = Entry(date="2001-01-01", machine="an old one", rows=[{"name": "two", "ms": 99}])
    Results({"a.two": earlier}).save(output)
    fake_sections.replacements["two"] = raising(ValueError("x1 must be\ngreater"))
    assert command.main([], fake_sections.sections) == 1
    found = load(output).root
    assert (found["a.two"].rows, found["a.two"].date) == (earlier.rows, earlier.date)
    assert found["a.two"].failure is not None
    assert found["a.two"].failure.error == "ValueError: x1 must be greater"
    assert found["b"].rows == [{"name": "b", "ms": 3}]
    shown = capsys.readouterr()
    assert "Traceback" in shown.err
    assert "a.two FAILED: ValueError: x1 must be greater; its figures of 2001-01-01 stay" in shown.err
    assert shown.err.endswith("Failed: a.two\n")
    page = (output.parent / "benchmarks.md").read_text()
    assert "| two | 99.0 |" in page
    assert "`a.two` was taken 2001-01-01 on an old one. Measuring `a.two` failed on " in page

    fake_sections.replacements.clear()
    assert command.main(["--part", "a.two"], fake_sections.sections) == 0
    assert load(output).root["a.two"].failure is None
    assert "failed" not in (output.parent / "benchmarks.md").read_text()


def test_the_report_names_a_part_that_was_never_measured(fake_sections: FakeSections, output: Path) -> None:
    fake_sections.replacements["b"] = raising(RuntimeError())
    assert command.main(["--part", "b"], fake_sections.sections) == 1
    assert load(output).root["b"].rows == []
    assert command.main(["--part", "a"], fake_sections.sections) == 0
    assert "Measuring `b` failed on" in (output.parent / "benchmarks.md").read_text()


def test_an_interrupted_run_keeps_what_was_measured(fake_sections: FakeSections, output: Path) -> None:
    Results({"b": Entry(date="2001-01-01", machine="m", rows=[{"name": "b", "ms": 7}])}).save(output)
    fake_sections.replacements["two"] = raising(KeyboardInterrupt())
    assert command.main([], fake_sections.sections) == 130
    assert rows(output) == {"a.one": [{"name": "one", "ms": 1}], "b": [{"name": "b", "ms": 7}]}
    assert load(output).root["b"].failure is None


def test_a_quick_run_leaves_the_committed_results_alone(fake_sections: FakeSections, output: Path) -> None:
    before = (output.parent / "benchmarks.md").read_text()
    assert command.main(["--quick"], fake_sections.sections) == 0
    assert not output.exists()
    assert (output.parent / "benchmarks.md").read_text() == before
    assert set(rows(command.QUICK_RESULTS)) == {"a.one", "a.two", "b"}
    assert command.main(["--quick", "--part", "b", "--output", str(output)], fake_sections.sections) == 0
    assert "`b` comes from a quick run" in (output.parent / "benchmarks.md").read_text()


def test_parts_are_chosen_by_their_own_or_their_sections_name(
    fake_sections: FakeSections, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--part", "a.two", "--part", "b"], fake_sections.sections) == 0
    assert command.main(["--part", "a"], fake_sections.sections) == 0
    assert fake_sections.measured == ["two", "b", "one", "two"]
    assert command.main(["--part", "c"], fake_sections.sections) == 2
    assert "no part is called 'c'; choose among: a.one, a.two, b" in capsys.readouterr().err


def test_a_file_of_another_format_is_not_overwritten(fake_sections: FakeSections, output: Path) -> None:
    output.write_text('{"machine": "of an earlier form"}')
    assert command.main([], fake_sections.sections) == 2
    assert fake_sections.measured == []
    assert json.loads(output.read_text()) == {"machine": "of an earlier form"}


def test_figures_of_an_earlier_format_are_reported_and_left_out(fake_sections: FakeSections, output: Path) -> None:
    Results({"a.one": Entry(date="2001-01-01", machine="m", rows=[{"seconds": 1}])}).save(output)
    assert command.main(["--part", "b"], fake_sections.sections) == 0
    assert "`a.one` has figures of an earlier form only" in (output.parent / "benchmarks.md").read_text()
    assert rows(output)["a.one"] == [{"seconds": 1}]


def test_a_file_is_replaced_atomically(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "results.json"
    write_atomically(path, "old")

    def full(*_paths: Path) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, "new")
    assert path.read_text() == "old"


def test_the_page_shows_the_committed_results() -> None:
    assert markdown(command.SECTIONS, load(command.RESULTS)) in command.PAGE.read_text("utf-8")
