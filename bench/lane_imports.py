"""Cold imports of the cpu lane's function: what a start takes before its first job, and what a kind adds to it.

Processor time of fresh processes under this environment's Python, with bytecode; the image's is another one.
"""

import os
import subprocess
import sys
from statistics import median

from pydantic import BaseModel

from bench.context import Context
from bench.lambda_imports import TIMED
from bench.section import Section
from darkroom.contract.engine import Engine
from darkroom.contract.kinds import KINDS
from infra.bundling.functions import ROOT

# Values that nothing is called with.
ENVIRONMENT = {
    **dict.fromkeys(("JOBS_TABLE", "LEDGER_TABLE", "BUCKET", "SUCCESS_TOPIC_ARN", "AWS_LAMBDA_FUNCTION_NAME"), "bench"),
    **dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "bench"),
    "AWS_DEFAULT_REGION": "us-east-1",
}
START = "import containers.cpu.function"


class LaneImport(BaseModel):
    """Processor time of a start, alone or with the plan of a kind. ``python`` says what ran it."""

    name: str
    cpu_ms: float
    python: str


def measure(context: Context) -> list[LaneImport]:
    """Measure the start alone, and with the plan of each kind of the preview engine, in turns."""
    statements = {"start": START}
    for kind, definition in KINDS.items():
        if Engine.PREVIEW in definition.engines:
            plan = f"from pipeline.plans import get_plan; get_plan({kind.value!r}, {Engine.PREVIEW.value!r})"
            statements[f"start, and `{kind}`"] = f"{START}; {plan}"
    times: dict[str, list[float]] = {name: [] for name in statements}
    for _ in range(context.repeats):
        for name, statement in statements.items():
            times[name].append(_cpu_seconds(statement))
    python = sys.version.partition(" ")[0]
    return [LaneImport(name=name, cpu_ms=median(taken) * 1000, python=python) for name, taken in times.items()]


def _cpu_seconds(statement: str) -> float:
    environment = {**os.environ, **ENVIRONMENT, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-P", "-c", TIMED.format(statement=statement)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


SECTION = Section(
    name="lane",
    about="Cold imports of the cpu lane's function (median of processor time), aimed at less than 1,500 ms",
    row=LaneImport,
    heads=("Start", "CPU ms", "Python"),
    cells=lambda row: (row.name, f"{row.cpu_ms:.0f}", row.python),
    parts={"lane": measure},
)
