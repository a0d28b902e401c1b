"""Import time and zipped size of each Lambda, compared with a Lambda that only makes a boto3 client."""

import io
import subprocess
import sys
import zipfile
from pathlib import Path
from statistics import median

from pydantic import BaseModel

from bench.context import Context
from bench.section import Section
from infra.bundling.functions import code_files
from infra.names import FUNCTIONS

BARE = "import boto3; boto3.client('dynamodb', region_name='us-east-1')"
TIMED = "import time; start = time.perf_counter(); {statement}; print(time.perf_counter() - start)"


class LambdaImport(BaseModel):
    """Measurement of one function. ``ratio`` is its import time over the bare Lambda's."""

    name: str
    import_ms: float
    ratio: float
    zip_kb: float


def measure(context: Context) -> list[LambdaImport]:
    """Measure each function with its environment variables, without which its settings do not load."""
    environment, repeats = dict(context.environments), context.repeats
    environment["guard"] = {**environment["sweep"], "ENDPOINT_NAME": "bench", "VARIANT_NAME": "bench"}  # has no stack
    bare = _seconds(BARE, {}, repeats)
    size = _zipped_kilobytes()
    rows = [LambdaImport(name="bare boto3", import_ms=bare * 1000, ratio=1, zip_kb=0)]
    for name in (*FUNCTIONS, "guard"):
        seconds = _seconds(f"import handlers.{name}", environment[name], repeats)
        rows.append(LambdaImport(name=name, import_ms=seconds * 1000, ratio=seconds / bare, zip_kb=size))
    return rows


def _seconds(statement: str, environment: dict[str, str], repeats: int) -> float:
    """Return the median seconds of a statement in a fresh interpreter, without its start-up."""
    command = [sys.executable, "-c", TIMED.format(statement=statement)]
    runs = [
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True) for _ in range(repeats + 1)
    ]
    return median(float(run.stdout) for run in runs[1:])  # without the first run, which writes the byte code


def _zipped_kilobytes() -> float:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        root = Path(__file__).parents[1]
        for path in code_files():
            archive.write(root / path, path)
    return buffer.tell() / 1000


SECTION = Section(
    name="lambdas",
    about="Cold imports (median) and zipped size without the layer",
    row=LambdaImport,
    heads=("Lambda", "Import ms", "Ratio to bare boto3", "Zip kB"),
    cells=lambda row: (row.name, f"{row.import_ms:.0f}", f"{row.ratio:.2f}", f"{row.zip_kb:.0f}"),
    parts={"lambdas": measure},
)
