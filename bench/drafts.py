"""Time from upload to draft: what a caller sees of the preview engine while the GPU wakes.

The stand-in endpoint sleeps, so each job waits until it has shown its draft, and is cancelled then. The baseline is the
preview engine's own job of the same files, at their full size and by the same function.
"""

import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median

from PIL import Image
from pydantic import BaseModel

from bench.context import Context
from bench.preview_engine import MEGAPIXELS, PARAMS, SAMPLES, scaled
from bench.section import Section
from darkroom.client.client import Client
from darkroom.client.request_builder import build_request
from darkroom.contract.engine import Engine
from darkroom.contract.jobs import Job
from darkroom.contract.kinds import DRAFT_KINDS, KINDS, Kind
from infra.local.stack import LocalStack

# No instance starts meanwhile, and each job looks at the endpoint.
CONTEXT = {
    "min_instances": 0,
    "cold_start_seconds": 600,
    "look_seconds": 0,
    "rate_limits": {"default": "1000000/60"},
    "owner_daily_usd": 0,
}


class DraftTiming(BaseModel):
    """Milliseconds from the end of the upload to the draft, as the caller's WebSocket tells: the first job, then the
    median of the others. ``dispatched_ms`` is the part until the job waits for the GPU. ``preview_ms`` is the baseline.
    """

    kind: Kind
    megapixels: float
    first_ms: float
    draft_ms: float
    dispatched_ms: float
    preview_ms: float


def measure(context: Context, kind: Kind) -> list[DraftTiming]:
    """Measure a kind on a local stack of its own, whose GPU sleeps for ten minutes; a small picture in a quick run."""
    megapixels = MEGAPIXELS[0] if context.quick else MEGAPIXELS[-1]
    with (
        tempfile.TemporaryDirectory() as name,
        LocalStack(Path(name, "stack"), context=CONTEXT, keep=False) as stack,
        Client(stack.endpoint, stack.token_for("bench"), socket_url=stack.socket) as client,
    ):
        return [_measure(client, kind, megapixels, context.repeats, Path(name))]


def _measure(client: Client, kind: Kind, megapixels: float, repeats: int, folder: Path) -> DraftTiming:
    demo = KINDS[kind].demo
    assert demo is not None
    files = {
        role: scaled(SAMPLES / name, megapixels, folder) for role, name in demo.files.items() if isinstance(name, str)
    }
    params = {**demo.params, **PARAMS.get(kind, {})}
    numbers = count()

    def run(engine: Engine, shown: Callable[[Job], bool]) -> tuple[float, float]:
        """Return milliseconds from the upload until the job is dispatched, and until ``shown`` is true of it."""
        request, contents = build_request(kind, _varied(files, next(numbers)), params, engine=engine, cache=False)
        created = client.create(request)
        states = client.watch(created.job)
        client.upload(created, contents)
        uploaded, dispatched = time.perf_counter(), 0.0
        for job in states:
            milliseconds = (time.perf_counter() - uploaded) * 1000
            dispatched = dispatched or (milliseconds if job.attempt else 0.0)
            if job.ended and job.error is not None:
                raise RuntimeError(f"{kind} failed: {job.error.message}")
            if shown(job):
                break
        if not job.ended:
            client.cancel(job.job_id)
        return dispatched, milliseconds

    def draft() -> tuple[float, float]:
        return run(Engine.MODELS, lambda job: job.preview is not None and job.preview.draft)

    _, first = draft()
    drafts, previews = [], []
    for _ in range(repeats):  # in turns, so that the machine's state is the same for both
        drafts.append(draft())
        previews.append(run(Engine.PREVIEW, lambda job: job.ended)[1])
    return DraftTiming(
        kind=kind,
        megapixels=megapixels,
        first_ms=round(first, 1),
        draft_ms=round(median(total for _, total in drafts), 1),
        dispatched_ms=round(median(dispatched for dispatched, _ in drafts), 1),
        preview_ms=round(median(previews), 1),
    )


def _varied(files: Mapping[str, Path], number: int) -> dict[str, Path]:
    """Give each colour picture another corner: the function keeps what it has found in a picture for the next job."""
    for path in files.values():
        with Image.open(path) as picture:
            if picture.mode == "RGB":
                picture.paste((number % 256, 0, 0), (0, 0, 8, 8))
                picture.save(path, quality=95)
    return dict(files)


SECTION = Section(
    name="drafts",
    about="Drafts: from the end of the upload until the caller's WebSocket has the draft of a job whose GPU sleeps, on "
    "a local stack whose emulator keeps the functions' processes. The first job of a kind also starts the functions "
    "and imports the engine. The baseline is the preview engine's own job of the same files at full size, from upload "
    "to result, in turn. No picture is used twice",
    row=DraftTiming,
    heads=("Kind", "Megapixels", "First draft, ms", "Draft, ms", "Of it until dispatched", "Preview job, ms"),
    cells=lambda row: (
        *(row.kind, row.megapixels, f"{row.first_ms:.0f}", f"{row.draft_ms:.0f}"),
        *(f"{row.dispatched_ms:.0f}", f"{row.preview_ms:.0f}"),
    ),
    parts={kind.value: partial(measure, kind=kind) for kind in KINDS if kind in DRAFT_KINDS},
)
