"""Results of `bench.gpu`: rows, JSON file and table."""

from pydantic import BaseModel
from rich.table import Column, Table

from bench.random_weights import Scale

TARGET_THROUGHPUT = 2.0
TARGET_BUSY = 0.95


class GpuRow(BaseModel):
    """Row of one configuration. ``stages`` are median seconds; values that a device cannot measure are None.

    ``steps_per_second`` counts denoising steps over the whole stage, text encoder and VAE included. ``slot_busy`` is
    the share of the time in which a job held the compute slot (the plain recipe has none), ``gpu_busy`` that in which
    NVML saw a kernel running.
    """

    name: str
    steps: int
    seconds_per_picture: float
    steps_per_second: float
    load_seconds: float
    first_seconds: float
    peak_vram_mb: float | None
    gpu_busy: float | None
    slot_busy: float | None = None
    stages: dict[str, float]


class GpuResults(BaseModel):
    """Results of one run.

    ``throughput`` is each row's pictures per second over those of the recipe with as many steps.
    """

    device: str
    machine: str
    date: str
    torch: str
    scale: Scale
    jobs: int
    photo: tuple[int, int]
    long_side: int
    verify_seconds: float
    rows: list[GpuRow]
    throughput: dict[str, float]
    target_throughput: float = TARGET_THROUGHPUT
    target_busy: float = TARGET_BUSY


def table(results: GpuResults) -> Table:
    """Build the table of the rows, with the targets in its caption."""
    heads = ("s each", "× plain", "it/s", "VRAM MB", "load s", "first s", "GPU busy", "slot held")
    result = Table(
        Column(no_wrap=True),
        *heads,
        title=f"{results.device}, {results.scale.value} size, long side {results.long_side}, {results.jobs} jobs",
        caption=f"Targets: {TARGET_THROUGHPUT:g}× at equal steps, GPU busy {TARGET_BUSY:.0%} or more. "
        "Random weights; nothing is said about the pictures.",
    )
    for row in results.rows:
        result.add_row(
            row.name,
            f"{row.seconds_per_picture:.3f}",
            f"{results.throughput[row.name]:.2f}",
            f"{row.steps_per_second:.2f}",
            "–" if row.peak_vram_mb is None else f"{row.peak_vram_mb:.0f}",
            f"{row.load_seconds:.1f}",
            f"{row.first_seconds:.1f}",
            *("–" if share is None else f"{share:.0%}" for share in (row.gpu_busy, row.slot_busy)),
        )
    return result
