"""Terminal output: text of strangers is shown and controls nothing."""

import io
import json
import re
from pathlib import Path

import pytest
from rich.table import Table
from typer.testing import CliRunner

from darkroom.cli import app
from darkroom.cli.console import SafeConsole
from darkroom.cli.output import neutralised
from darkroom.cli.progress import BarReporter, bar
from tests.darkroom.fake_service import TOKEN, Service
from tests.darkroom.jobs import failed, job
from tests.paths import ROOT

EVIL = "\x1b]0;TITLE\x07\x1b[31mRED\x9b2J[bold]x[/bold]\r\u202eevil\u2066:smile:"
SHOWN = "\\u001b]0;TITLE\\u0007\\u001b[31mRED\\u009b2J[bold]x[/bold]\\u000d\\u202eevil\\u2066:smile:"
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture(autouse=True)
def signed_in(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_ENDPOINT", service.url)
    monkeypatch.setenv("DARKROOM_TOKEN", TOKEN)


def test_text_is_kept_and_shown_on_its_line() -> None:
    assert neutralised(EVIL) == SHOWN
    assert neutralised("Zoë 😀 שלום\n\tline") == "Zoë 😀 שלום\n\tline"
    assert neutralised("\udc80\u2028") == "\\udc80\\u2028"


def test_tables_show_markup_and_control_characters_as_text() -> None:
    file = io.StringIO()
    table = Table("name")
    table.add_row(EVIL)
    console = SafeConsole(file=file, width=200, force_terminal=True, color_system=None)
    console.print(table)
    console.print(EVIL)
    assert file.getvalue().count(SHOWN) == 2
    assert not CONTROL.search(file.getvalue())


@pytest.mark.parametrize("words", [("jobs", "show", "a" * 32), ("jobs", "list"), ("jobs", "show", "a" * 32, "--json")])
def test_a_message_of_the_service_controls_no_terminal(service: Service, words: tuple[str, ...]) -> None:
    service.job = job(3, "running", message=EVIL, stage="depth")
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert not CONTROL.search(result.output)


def test_json_keeps_the_text(service: Service) -> None:
    service.job = job(3, "running", message=EVIL)
    result = CliRunner().invoke(app, ["jobs", "show", "a" * 32, "--json"])
    assert json.loads(result.stdout)["message"] == EVIL


def test_errors_of_the_service_and_of_files_control_no_terminal(service: Service, tmp_path: Path) -> None:
    service.job = failed(4, "internal", EVIL)
    assert not CONTROL.search(CliRunner().invoke(app, ["jobs", "watch", "a" * 32]).output)
    scenes = tmp_path / "scenes.json"
    scenes.write_text(json.dumps({"scenes": [{"type": "image", "picture": EVIL}] * 2}))
    result = CliRunner().invoke(app, ["run", "render_scenes", str(scenes)])
    assert result.exit_code == 2
    assert not CONTROL.search(result.output)


def test_the_live_line_controls_no_terminal() -> None:
    with bar() as progress:
        reporter = BarReporter(progress)
        reporter.say(EVIL)
        assert [task.fields["message"] for task in progress.tasks] == [SHOWN]
        reporter.job_changed(job(3, "running", message=EVIL))
        assert not CONTROL.search(progress.tasks[0].fields["message"])


def test_commands_print_through_the_one_place_alone() -> None:
    elsewhere = re.compile(r"typer\.echo|click\.echo|\bsecho\(|(?<![.\w])print\(|(?<!Safe)\bConsole\(")
    modules = [*ROOT.glob("darkroom/cli/*.py"), *ROOT.glob("infra/commands/*.py")]
    found = {
        path.name: elsewhere.findall(path.read_text())
        for path in modules
        if path.relative_to(ROOT).as_posix() not in ("darkroom/cli/output.py", "darkroom/cli/console.py")
    }
    assert {name: calls for name, calls in found.items() if calls} == {}
