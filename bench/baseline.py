"""Baseline measurements of the machine: a Python loop, and one AWS call through the emulator."""

import time
from collections.abc import Callable
from statistics import median

from pydantic import BaseModel

from bench.context import Context
from bench.section import Section

ITERATIONS = 1_000_000


class Baseline(BaseModel):
    """Medians, in milliseconds. ``python_ms`` is a loop of a million multiplications and additions."""

    python_ms: float
    get_item_ms: float


def measure(context: Context) -> list[Baseline]:
    """Measure the baseline right before the event path, in the same stack, with one caller."""
    stack, repeats = context.stack, context.repeats
    client = stack.client("dynamodb")

    def get_item() -> None:
        client.get_item(TableName=stack.jobs_table, Key={"job_id": {"S": "0" * 32}})

    return [Baseline(python_ms=_median(_loop, repeats), get_item_ms=_median(get_item, 20 * repeats))]


def _loop() -> None:
    total = 0
    for number in range(ITERATIONS):
        total += number * number


def _median(call: Callable[[], None], repeats: int) -> float:
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1000)
    return round(median(times), 2)


SECTION = Section(
    name="baseline",
    about="The machine, which the load client, the emulator and the container share (median milliseconds). A watched "
    "job makes some thirty calls like the GetItem and runs nine functions, all through the emulator's one event loop",
    row=Baseline,
    heads=("A million turns of a Python loop", "One DynamoDB GetItem through the emulator"),
    cells=lambda row: (f"{row.python_ms:.0f}", f"{row.get_item_ms:.1f}"),
    parts={"baseline": measure},
    uses_stack=True,
)
