"""CPU time of each Lambda's cold import and its zipped size, compared with a Lambda that only makes a boto3 client.

What is deployed is measured: the functions' code and locked dependencies, with bytecode, under the runtime's Python
where there is one. Processor time is taken, as elapsed time would measure what else the machine does.
"""

import io
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from pydantic import BaseModel

from bench.context import Context
from bench.section import Section
from infra.bundling import functions
from infra.bundling.bytecode import VARIABLE, compile_folder
from infra.names import FUNCTIONS

BARE = "bare boto3"
BARE_STATEMENT = "import boto3; boto3.client('dynamodb', region_name='us-east-1')"
TIMED = "import time; start = time.process_time(); {statement}; print(time.process_time() - start)"
ROOT = functions.ROOT


class LambdaImport(BaseModel):
    """Measurement of one function. ``ratio`` is its CPU time over the bare Lambda's; ``python`` says what ran it."""

    name: str
    cpu_ms: float
    ratio: float
    zip_kb: float
    python: str


@dataclass(frozen=True)
class Interpreter:
    """Python that runs the imports. ``label`` says its version, and whether it is not the deployed one."""

    path: str
    label: str


@dataclass(frozen=True)
class ColdImport:
    """Cold import: what runs in a fresh interpreter, the folders of its modules and its environment variables."""

    statement: str
    folders: tuple[Path, ...]
    environment: Mapping[str, str]

    def cpu_seconds(self, interpreter: Interpreter) -> float:
        """Return the processor time of the statement, without the interpreter's start-up."""
        environment = {
            **self.environment,
            "PYTHONPATH": os.pathsep.join(map(str, self.folders)),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        # Nothing but these folders: -P leaves out the working directory, -S the interpreter's own packages.
        command = [interpreter.path, "-P", "-S", "-c", TIMED.format(statement=self.statement)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return float(done.stdout)


def choose_interpreter() -> Interpreter:
    """Return the runtime's Python if there is one, else this one, whose label says so."""
    wanted = functions.PYTHON_VERSION
    if (path := functions.runtime_interpreter()) is None:
        return Interpreter(sys.executable, f"{_version(sys.executable)}, not {wanted} (set {VARIABLE})")
    return Interpreter(path, _version(path))


def measure(context: Context) -> list[LambdaImport]:
    """Measure each function with its environment variables, without which its settings do not load."""
    environments = dict(context.environments)
    environments["guard"] = {**environments["sweep"], "ENDPOINT_NAME": "bench", "VARIANT_NAME": "bench"}  # has no stack
    interpreter = choose_interpreter()
    with tempfile.TemporaryDirectory() as folder:
        imports = _prepare(Path(folder), interpreter, environments)
        times: dict[str, list[float]] = {name: [] for name in imports}
        for _ in range(context.repeats):  # in turns, so that the machine's state is the same for all
            for name, each in imports.items():
                times[name].append(each.cpu_seconds(interpreter))
    seconds = {name: median(taken) for name, taken in times.items()}
    size = _zipped_kilobytes()
    return [
        LambdaImport(
            name=name,
            cpu_ms=taken * 1000,
            ratio=taken / seconds[BARE],
            zip_kb=0 if name == BARE else size,
            python=interpreter.label,
        )
        for name, taken in seconds.items()
    ]


def _prepare(
    folder: Path, interpreter: Interpreter, environments: Mapping[str, Mapping[str, str]]
) -> dict[str, ColdImport]:
    """Install code and dependencies with their bytecode, and return what is to be measured, by its name."""
    code, layer, bare = folder / "code", folder / "layer", folder / "bare"
    functions.copy_code(code)
    python = ("--python", interpreter.path)
    functions.install_packages(layer, "--requirement", str(functions.LOCK), "--require-hashes", *python)
    functions.install_packages(bare, "boto3", "--constraint", str(ROOT / "requirements.lock"), *python)
    for each in (code, layer, bare):
        compile_folder(each, python=interpreter.path, installed_at=str(each))
    imports = {BARE: ColdImport(BARE_STATEMENT, (bare,), {})}
    for name in (*FUNCTIONS, "guard"):
        imports[name] = ColdImport(f"import handlers.{name}", (code, layer), environments[name])
    return imports


def _version(python: str) -> str:
    command = [python, "-I", "-c", "import platform; print(platform.python_version())"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _zipped_kilobytes() -> float:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in functions.code_files():
            archive.write(ROOT / path, path)
    return buffer.tell() / 1000


SECTION = Section(
    name="lambdas",
    about="Cold imports as deployed, with bytecode (median of processor time), and zipped size without the layer",
    row=LambdaImport,
    heads=("Lambda", "CPU ms", "Ratio to bare boto3", "Zip kB", "Python"),
    cells=lambda row: (row.name, f"{row.cpu_ms:.0f}", f"{row.ratio:.2f}", f"{row.zip_kb:.0f}", row.python),
    parts={"lambdas": measure},
)
