"""Commands from entry points: the wheel's content, an installation of the wheel alone, and another distribution."""

import subprocess
import sys
from importlib import import_module
from importlib.metadata import EntryPoint, PathDistribution
from pathlib import Path

from typer import Typer

from darkroom.cli.entry_points import GROUP
from darkroom.cli.lazy import LazyCommand

ROOT = Path(__file__).parents[3]
OPERATORS = {"models", "demo", "up", "down", "status", "logs", "deploy"}
# The command with these folders, before those of the installed libraries. The checkout is not on the path.
PROGRAM = """
import sys, sysconfig
installed = set(sysconfig.get_paths().values())
libraries = [path for path in sys.path if path in installed or path.endswith("lib-dynload")]
sys.path[:] = [*{folders!r}, *libraries]
from darkroom.cli import main
main()
"""

HELLO = """
import typer

app = typer.Typer()


@app.command()
def hello(name: str) -> None:
    print("Hello", name)
"""


def darkroom(*words: str, folders: list[Path], work: Path) -> "subprocess.CompletedProcess[str]":
    """Run the command in a process of its own whose path has ``folders``."""
    program = PROGRAM.format(folders=[str(folder) for folder in folders])
    command = [sys.executable, "-c", program, *words]
    return subprocess.run(command, cwd=work, capture_output=True, text=True, check=False, env={"LC_ALL": "C.UTF-8"})


def entry_points_of(wheel: Path) -> list[EntryPoint]:
    (information,) = wheel.glob("*.dist-info")
    return list(PathDistribution(information).entry_points)


def test_the_wheel_holds_the_sdk_alone(wheel: Path) -> None:
    folders = {path.name for path in wheel.iterdir() if path.suffix != ".dist-info"}
    assert folders == {"darkroom"}
    for package in ("cli", "client", "contract"):
        built = {path.relative_to(wheel) for path in (wheel / "darkroom" / package).rglob("*.py")}
        assert built == {path.relative_to(ROOT) for path in (ROOT / "darkroom" / package).rglob("*.py")}


def test_the_wheel_registers_the_command_and_the_operators_commands(wheel: Path) -> None:
    found = {(each.group, each.name) for each in entry_points_of(wheel)}
    assert found == {("console_scripts", "darkroom"), *((GROUP, name) for name in OPERATORS)}


def test_each_entry_point_names_a_command_of_the_checkout(wheel: Path) -> None:
    for entry_point in entry_points_of(wheel):
        if entry_point.group == GROUP:
            command = entry_point.load()
            assert isinstance(command, LazyCommand)
            module, _, attribute = command.target.partition(":")
            assert isinstance(getattr(import_module(module), attribute or "app"), Typer)


def test_in_the_checkout_each_operators_command_is_listed_with_its_help(wheel: Path, tmp_path: Path) -> None:
    listed = darkroom("--help", folders=[wheel, ROOT], work=tmp_path).stdout
    assert "  up        Start the local stack.\n" in listed
    assert all(f"\n  {name} " in listed for name in OPERATORS)
    assert "Needs a checkout" not in listed


def test_listing_the_commands_imports_the_registry_of_infra_alone(wheel: Path, tmp_path: Path) -> None:
    report = "import atexit, sys; atexit.register(lambda: print(*sorted(sys.modules), file=sys.stderr))\n"
    (tmp_path / "report.py").write_text(report)
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import report\n"
    program += PROGRAM.format(folders=[str(wheel), str(ROOT)])
    run = subprocess.run([sys.executable, "-c", program, "--help"], capture_output=True, text=True, check=True)
    modules = run.stderr.split()
    assert [each for each in modules if each.split(".")[0] == "infra"] == [
        "infra",
        "infra.commands",
        "infra.commands.registry",
    ]
    assert not {"aws_cdk", "boto3", "pipeline", "rich"} & set(modules)


def test_without_the_checkout_each_command_is_listed_and_says_what_it_needs(wheel: Path, tmp_path: Path) -> None:
    listed = darkroom("--help", folders=[wheel], work=tmp_path)
    assert listed.stdout.count("Needs a checkout of the project.") == len(OPERATORS)
    assert "  run       Make a picture or a video" in listed.stdout
    for words in (["up", "--detach"], ["models", "list"]):
        ran = darkroom(*words, folders=[wheel], work=tmp_path)
        assert ran.returncode == 1
        assert ran.stderr == (
            f"darkroom: not_installed: `darkroom {words[0]}` needs a checkout of the project; "
            "this installation holds the SDK alone.\n"
        )


def test_another_distribution_adds_a_command(wheel: Path, tmp_path: Path) -> None:
    folder = distribution(tmp_path, 'HELLO = LazyCommand("greetings.hello", "Greet somebody.")')
    (folder / "greetings" / "hello.py").write_text(HELLO)
    assert "  hello     Greet somebody.\n" in darkroom("--help", folders=[wheel, folder], work=tmp_path).stdout
    assert darkroom("hello", "Ann", folders=[wheel, folder], work=tmp_path).stdout == "Hello Ann\n"


def test_an_import_error_inside_a_command_is_an_unexpected_error(wheel: Path, tmp_path: Path) -> None:
    folder = distribution(tmp_path, "import missing_library")
    ran = darkroom("hello", folders=[wheel, folder], work=tmp_path)
    assert ran.returncode == 70
    assert "ModuleNotFoundError: No module named 'missing_library'" in ran.stderr


def distribution(folder: Path, code: str) -> Path:
    """A distribution ``greetings`` on disk, which registers a command ``hello``."""
    information = folder / "path" / "greetings-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.4\nName: greetings\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(f"[{GROUP}]\nhello = greetings.registry:HELLO\n")
    package = folder / "path" / "greetings"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "registry.py").write_text(f"from darkroom.cli.lazy import LazyCommand\n\n{code}\n")
    return folder / "path"
