"""``python -m bench.gpu``: the models engine against the plain recipe of the replaced system, on one device in one run.

Needs no network: the weights are random, in the real layouts and, at ``--scale full``, of the real sizes. Both sides
get the same photos, canvas and number of denoising steps. The engine runs as the container does, with several jobs in
flight of which one computes at a time; every job has a photo of its own, but for the row that says otherwise.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from unittest.mock import patch

import numpy as np
import torch
from PIL import Image
from rich.console import Console

from bench.gpu_results import GpuResults, GpuRow, table
from bench.gpu_utilisation import GpuUtilisation, TimedSlot
from bench.measurement import describe_machine
from bench.plain_diffusers import PlainDiffusers
from bench.random_weights import Scale, write_weights
from darkroom.contract.params import Profile, RestyleRoomParams
from darkroom.contract.results import StageTime
from pipeline.core.arrays import Rgb
from pipeline.core.runner import Runner
from pipeline.core.stage_cache import StageCache
from pipeline.core.stages import StageContext
from pipeline.models.denoise_request import SAMPLING_PRESETS
from pipeline.models.network_registry import CONTROLNETS, SD15_FEW_STEP_UNET, SD15_UNET
from pipeline.models.offload.device import Placement
from pipeline.models.offload.manager import ModelManager
from pipeline.models.stages import scores
from pipeline.models.workflows.restyle_room import plan
from pipeline.weights.catalog import catalog
from pipeline.weights.store import WeightStore

RESULTS = Path(__file__).with_name("gpu.json")
SAMPLE = Path(__file__).parents[1] / "infra" / "commands" / "samples" / "living_room.jpg"
IN_FLIGHT = 3  # jobs at once: one computes, one is being opened, one is being saved
STYLES = ("scandinavian", "industrial")


@dataclass(frozen=True)
class GpuBenchmark:
    """Inputs that all rows share."""

    store: WeightStore
    placement: Placement
    photos: Sequence[Path]
    long_side: int

    def run_baseline(self, steps: int) -> GpuRow:
        """Measure the plain recipe, one job after another."""
        began = time.perf_counter()
        recipe = PlainDiffusers(self.store, self.placement, self.long_side)
        load_seconds = time.perf_counter() - began

        def job(index: int) -> dict[str, float]:
            with tempfile.TemporaryDirectory() as folder:
                return recipe.run(self.photos[index], Path(folder), steps, seed=index)

        return self._row(f"plain diffusers, {steps} steps", steps, load_seconds, job, in_flight=1)

    def run_engine(self, profile: Profile, steps: int, *, compiled: bool = False, same_photo: bool = False) -> GpuRow:
        """Measure the models engine with a backlog."""
        models = ModelManager(self.store, self.placement, long_side=self.long_side)
        engine_plan, slot, cache = plan(), TimedSlot(), StageCache()
        runner = Runner(slot, cache=cache)
        unet, other = (SD15_FEW_STEP_UNET, SD15_UNET) if profile is Profile.FAST else (SD15_UNET, SD15_FEW_STEP_UNET)
        began = time.perf_counter()
        with models.use(*(network for network in engine_plan.networks if network is not other)) as networks:
            load_seconds = time.perf_counter() - began
            if compiled:
                networks[unet].compile()
                networks[CONTROLNETS].compile()

        def job(index: int) -> dict[str, float]:
            style = STYLES[index % len(STYLES)]
            params = RestyleRoomParams(style=style, profile=profile, steps=steps, seed=index)
            photo = self.photos[0 if same_photo else index]
            with tempfile.TemporaryDirectory() as folder:
                stage_context = StageContext(params, {"photo": photo}, Path(folder), network_provider=models)
                finished = runner.run(engine_plan, stage_context, _Silent())
            return {each.stage: each.seconds for each in finished.timeline}

        name = f"darkroom {profile.value}{', compiled' * compiled}{', photo seen before' * same_photo}"
        return self._row(name, steps, load_seconds, job, IN_FLIGHT, slot)

    def _row(
        self,
        name: str,
        steps: int,
        load_seconds: float,
        job: Callable[[int], dict[str, float]],
        in_flight: int,
        slot: TimedSlot | None = None,
    ) -> GpuRow:
        device = self.placement.device
        began = time.perf_counter()
        job(0)  # warm-up: the first picture selects the fastest kernels, or compiles them
        first_seconds = time.perf_counter() - began
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        with GpuUtilisation(device) as utilisation, ThreadPoolExecutor(in_flight) as pool:
            held_before, began = slot.held_seconds if slot else 0.0, time.perf_counter()
            timelines = list(pool.map(job, range(1, len(self.photos))))
            seconds = time.perf_counter() - began
        stages = {stage: median(timeline[stage] for timeline in timelines) for stage in timelines[0]}
        row = GpuRow(
            name=name,
            steps=steps,
            seconds_per_picture=seconds / len(timelines),
            steps_per_second=steps / stages["diffuse"],
            load_seconds=load_seconds,
            first_seconds=first_seconds,
            peak_vram_mb=torch.cuda.max_memory_allocated(device) / 1e6 if device.type == "cuda" else None,
            gpu_busy=utilisation.mean,
            slot_busy=(slot.held_seconds - held_before) / seconds if slot else None,
            stages=stages,
        )
        print(f"{row.name}: {row.seconds_per_picture:.3f} s a picture", flush=True)
        return row


class _Silent:
    """Progress reporter that discards everything."""

    def report(self, progress: float, stage: str, message: str, timeline: Sequence[StageTime]) -> None:
        """Do nothing."""

    def check(self) -> None:
        """Never abandon the job."""

    def report_progress_image(self, picture: Rgb) -> None:
        """Do nothing."""


def measure(
    folder: Path,
    device: str,
    scale: Scale,
    profiles: Sequence[Profile],
    jobs: int,
    steps: int | None,
    long_side: int,
    compiled: bool,
) -> GpuResults:
    """Measure every row in ``folder``, reusing weights that an earlier run wrote there."""
    placement = Placement.for_device(device)
    store = WeightStore(folder / scale.value)
    if any(store.record_of(model) is None for model in catalog().values()):
        print(f"writing random weights, {scale.value} size …", flush=True)
        write_weights(store.folder, scale)
    began = time.perf_counter()
    for model in catalog().values():
        store.open(model)
    verify_seconds = time.perf_counter() - began
    with tempfile.TemporaryDirectory() as photos:
        size = (1280, 960) if scale is Scale.FULL else (160, 120)
        bench = GpuBenchmark(store, placement, _photos(Path(photos), jobs + 1, size), long_side)
        # Random networks always score poorly; a retry would only distort the times.
        with patch.object(scores, "RETRY_BELOW", 0.0):
            rows = [row for profile in profiles for row in _rows(bench, profile, steps, compiled)]
    plain = {row.steps: row for row in rows if row.slot_busy is None}
    return GpuResults(
        device=torch.cuda.get_device_name(placement.device) if placement.device.type == "cuda" else "CPU",
        machine=describe_machine(),
        date=datetime.now(UTC).date().isoformat(),
        torch=torch.__version__,
        scale=scale,
        jobs=jobs,
        photo=size,
        long_side=long_side,
        verify_seconds=verify_seconds,
        rows=rows,
        throughput={row.name: plain[row.steps].seconds_per_picture / row.seconds_per_picture for row in rows},
    )


def _rows(bench: GpuBenchmark, profile: Profile, steps: int | None, compiled: bool) -> Iterator[GpuRow]:
    count = SAMPLING_PRESETS[profile].steps if steps is None else steps
    measurements: list[Callable[[], GpuRow]] = [
        lambda: bench.run_baseline(count),
        lambda: bench.run_engine(profile, count),
        lambda: bench.run_engine(profile, count, same_photo=True),
    ]
    if compiled:
        measurements.append(lambda: bench.run_engine(profile, count, compiled=True))
    for measure_row in measurements:
        yield measure_row()
        bench.placement.release_cached_memory()


def _photos(folder: Path, count: int, size: tuple[int, int]) -> list[Path]:
    """Write copies of the sample, each shifted a little, so that no two photos are the same."""
    with Image.open(SAMPLE) as sample:
        pixels = np.asarray(sample.convert("RGB").resize(size))
    paths = [folder / f"photo{index}.jpg" for index in range(count)]
    for index, path in enumerate(paths):
        Image.fromarray(np.roll(pixels, index, axis=1)).save(path, quality=95)
    return paths


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the table, write ``bench/gpu.json``."""
    parser = argparse.ArgumentParser(prog="python -m bench.gpu", description=__doc__)
    parser.add_argument("--scale", type=Scale, choices=list(Scale), default=Scale.FULL)
    parser.add_argument("--device", default="auto", help="auto, cuda:0, cpu")
    parser.add_argument("--profile", type=Profile, choices=list(Profile), action="append", help="both when left out")
    parser.add_argument("--jobs", type=int, default=20, help="pictures per row, beside the first")
    parser.add_argument("--steps", type=int, help="denoising steps; each profile's own when left out")
    parser.add_argument("--long-side", type=int, help="768 when left out, as on a T4; 128 at the tiny scale")
    parser.add_argument("--compile", action="store_true", help="measure torch.compile as well")
    parser.add_argument("--weights", type=Path, help="where the random weights lie, or are written; kept for next time")
    parser.add_argument("--output", type=Path, default=RESULTS)
    given = parser.parse_args(arguments)
    long_side = given.long_side or (768 if given.scale is Scale.FULL else 128)
    with tempfile.TemporaryDirectory() as folder:
        results = measure(
            given.weights or Path(folder),
            given.device,
            given.scale,
            given.profile or list(Profile),
            given.jobs,
            given.steps,
            long_side,
            given.compile,
        )
    Console(width=max(Console().width, 110)).print(table(results))
    given.output.write_text(results.model_dump_json(indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
