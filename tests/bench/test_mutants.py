"""Mutation campaigns: which faults are tried, which tests are run, and what is said of a fault that no test notices."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.mutants.__main__ import main, sample
from bench.mutants.covering_tests import Baseline, select_tests
from bench.mutants.mutation_operators import find_mutants
from tests.paths import ROOT

PAY = '''"""Pay."""

FEE = 5


def pay(hours: int, bonus: int = 0) -> int:
    """Return the pay."""
    if hours > 40:
        return hours * 12 + FEE
    return hours * 10 + bonus


def unused(hours: int) -> int:
    return hours - 1
'''
TESTS = """from handlers.pay import pay


def test_pay():
    assert pay(41) == 497
    assert pay(10) == 100
"""


def found(source: str) -> set[tuple[str, str]]:
    return {(mutant.before, mutant.after) for mutant in find_mutants("module.py", source)}


@pytest.mark.parametrize(
    ("source", "before", "after"),
    [
        ("x = a < b", "<", "<="),
        ("x = (a) == (b)", "==", "!="),
        ("x = a not in b", "not in", "in"),
        ("x = now + delay", "+", "-"),
        ("x = a and b", "and", "or"),
        ("x = not a", "not a", "a"),
        ("x = 60", "60", "61"),
        ("x = 0.5", "0.5", "0.75"),
        ("x = True", "True", "False"),
        ("x += 1", "+=", "-="),
        ("queue.send(record)", "queue.send(record)", "pass"),
        ("send(record, delay=delay)", "delay=delay", ""),
        ("def f():\n    return x", "return x", "return None"),
        ("if ready:\n    go()", "ready", "(not ready)"),
        ("for x in y:\n    break", "break", "continue"),
    ],
)
def test_every_operator_finds_its_fault(source: str, before: str, after: str) -> None:
    assert (before, after) in found(source)


@pytest.mark.parametrize(
    "source",
    [
        '"""Text."""',
        "x: int | None",
        "def f(x: int | None) -> int | None: ...",
        "logger.info('swept', count=count)",
        "x = 'a' + name",
        "x = f'{a + 1}'",
        "if TYPE_CHECKING:\n    import boto3",
        "x = Field(description='no ' 'more')",
    ],
)
def test_what_no_test_should_hold_is_left_alone(source: str) -> None:
    assert found(source) == set()


def test_a_mutant_changes_one_place_and_names_its_line() -> None:
    source = "name = 'Zoë'\nwait = (\n    now + 5\n)\n"
    (mutant,) = [mutant for mutant in find_mutants("module.py", source) if mutant.before == "+"]
    assert mutant.apply(source) == source.replace("+", "-")
    assert str(mutant) == "module.py:3 + -> -"


def test_a_sample_is_the_same_for_the_same_seed() -> None:
    mutants = find_mutants("module.py", PAY)
    assert sample(mutants, 4, seed=1) == sample(mutants, 4, seed=1)
    assert sample(mutants, 4, seed=1) != sample(mutants, 4, seed=2)
    assert sorted(map(str, sample(mutants, 1000, seed=1))) == sorted(map(str, mutants))


@pytest.mark.parametrize(
    ("module", "tests"),
    [
        ("handlers/jobs/retry.py", "tests/handlers"),
        ("darkroom/client/network.py", "tests/darkroom/client"),
        ("pipeline/subtitles/line_breaking.py", "tests/pipeline/subtitles"),
        ("infra/local/access/guard.py", "tests/infra/access"),
        ("infra/constructs/storage.py", "tests/infra/test_storage.py"),
    ],
)
def test_tests_are_those_of_the_mirrored_folder(module: str, tests: str) -> None:
    assert tests in select_tests(module, ROOT)


def test_every_room_has_tests_and_an_unknown_folder_has_none() -> None:
    for room in ("darkroom", "cloud", "pipeline", "handlers", "containers", "infra", "bench"):
        assert select_tests(room, ROOT)
    with pytest.raises(ValueError, match="nowhere"):
        select_tests("nowhere/module.py", ROOT)


def test_only_tests_that_run_a_line_are_run_the_quickest_first() -> None:
    lines = {"handlers/a.py": {1: [""], 5: ["slow", "quick", "failing"], 9: ["slow"]}}
    baseline = Baseline({"slow": 2.0, "quick": 0.1, "elsewhere": 0.1}, ["failing"], lines)
    assert baseline.tests_for("handlers/a.py", 5) == ["quick", "slow"]
    assert baseline.tests_for("handlers/a.py", 6) == ["quick", "slow"], "a line of the statement above"
    assert baseline.tests_for("handlers/a.py", 9) == ["slow"]
    assert baseline.tests_for("handlers/a.py", 1) == ["quick", "slow"], "read at import by every test of the module"
    assert baseline.tests_for("handlers/b.py", 1) == []


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one module and one test, in Git."""
    root = tmp_path / "project"
    for path, text in {"handlers/pay.py": PAY, "handlers/__init__.py": "", "tests/handlers/test_pay.py": TESTS}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (root / "pytest.ini").write_text(
        "[pytest]\naddopts = --import-mode=importlib\nasyncio_default_fixture_loop_scope = function\n"
    )
    (root / "tests/conftest.py").write_text(
        "from hypothesis import settings\nsettings.register_profile('fast', settings.default)\n"
    )
    subprocess.run(["git", "init", "--quiet", root], check=True)  # noqa: S607 - whichever Git there is
    return root


# In a process of its own, because a campaign forks.
CAMPAIGN = "import sys; from pathlib import Path; from bench.mutants.__main__ import main; "
CAMPAIGN += "sys.exit(main(['handlers', '--sample', '99'], Path(sys.argv[1])))"


def test_a_campaign_prints_the_survivors_and_leaves_the_project_as_it_was(project: Path) -> None:
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    command = [sys.executable, "-c", CAMPAIGN, str(project)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("1 tests in ")
    survivors = [line for line in lines if line.startswith("handlers/pay.py:")]
    assert "handlers/pay.py:6 0 -> 1" not in survivors
    assert "handlers/pay.py:8 > -> >=" in survivors, "no test works 40 hours"
    assert "handlers/pay.py:8 40 -> 41" not in survivors
    assert "handlers/pay.py:10 + -> -" in survivors, "no test has a bonus"
    assert [line for line in survivors if ":3 " in line or ":9 " in line or "10 -> 11" in line] == []
    counts = [line for line in lines if line.startswith("[")]
    killed, tried = len(counts) - len(survivors), len(counts)
    assert counts[-1] == f"[{killed}/{tried} killed]"
    assert [int(count.partition("/")[2].split()[0]) for count in counts] == list(range(1, tried + 1))
    assert lines[-1].startswith(f"{killed} of {tried} mutants killed")
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_campaign_says_its_share_and_leaves_no_process_and_no_file(
    project: Path, tmp_path: Path, stop: signal.Signals
) -> None:
    with (project / "tests/handlers/test_pay.py").open("a") as file:
        file.write("\n\nimport subprocess\n\nsubprocess.Popen(['sleep', '600'], close_fds=False)\n")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    # Every process that descends from the campaign holds the pipe's end, and it closes with the last of them.
    alive, held = os.pipe()
    campaign = subprocess.Popen(
        [sys.executable, "-c", CAMPAIGN, project],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        text=True,
        pass_fds=[held],
    )
    os.close(held)
    with campaign, os.fdopen(alive, "rb") as pipe:
        assert campaign.stdout is not None
        lines = []
        for line in campaign.stdout:
            lines.append(line)
            if line.startswith("[1/"):
                campaign.send_signal(stop)
        assert campaign.wait() == 128 + stop
        assert lines[-1].startswith("Stopped after ")
        assert "mutants killed" in lines[-1]
        assert list(temporary.iterdir()) == []
        assert select.select([pipe], [], [], 30)[0], "a process goes on"
        assert pipe.read() == b""


def test_a_module_without_python_files_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["handlers/nowhere"]) == 2
    assert "handlers/nowhere" in capsys.readouterr().err
