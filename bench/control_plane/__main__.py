"""``python -m bench.control_plane``: count what a job of each kind uses of AWS, for ``python -m infra.costs``.

Jobs run one by one on a local stack of the preview engine, whose emulator logs each call. Uploads are new, results are
downloaded, nothing comes from the cache. Kinds without a demo have no preview: they are not counted.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

from bench.control_plane import EMULATOR_MODULE, ENDPOINT_MODULE
from bench.control_plane.job_usage import JobUsage, UsageMeter
from bench.event_path import load_target
from darkroom.client.client import Client
from darkroom.client.sources import Source
from darkroom.contract.kinds import KINDS, Kind
from infra.commands.demo_samples import reduced, sample
from infra.costs.job_counts import COMMAND, JobCounts, MeasuredCounts
from infra.local import emulator, stand_in
from infra.local.stack import LocalStack

JOBS = 1
# Through the endpoint. Far below the owner's limits. Each job looks at the instances, as one does that comes alone.
CONTEXT = {
    "preview_on": "endpoint",
    "rate_limits": {"default": "1000000/60"},
    "owner_daily_usd": 1000,
    "look_seconds": 0,
}


def main() -> int:
    """Measure, and write the file of the counts."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Count what a job of each kind uses of AWS.")
    parser.add_argument("--jobs", type=int, default=JOBS, help="jobs of each kind")
    parser.add_argument("--port", type=int)
    jobs, port = (parsed := parser.parse_args()).jobs, parsed.port
    kinds = {}
    with counting_stack(port=port) as stack:
        meter = UsageMeter(stack)
        counted = [kind for kind, definition in KINDS.items() if definition.demo]
        measure_kind(meter, stack, counted[0])  # the first job of a stack opens what later ones find
        for kind in counted:
            counts = [measure_kind(meter, stack, kind).counts for _ in range(jobs)]
            means = {
                name: round(sum(getattr(each, name) for each in counts) / jobs, 2) for name in JobCounts.model_fields
            }
            kinds[kind] = JobCounts(**means)
            print(kind, json.dumps(means))
    MeasuredCounts(date=f"{datetime.now(UTC):%Y-%m-%d}", jobs=jobs, kinds=kinds).write()
    return 0


@contextmanager
def counting_stack(*, port: int | None = None, stages: str = "default") -> Iterator[LocalStack]:
    """Run a local stack that logs its calls, without limits, until the block ends."""
    with (
        mock.patch.object(emulator, "MODULE", EMULATOR_MODULE),
        mock.patch.object(stand_in, "MODULE", ENDPOINT_MODULE),
        tempfile.TemporaryDirectory() as folder,
        LocalStack(Path(folder), port, context={**CONTEXT, "stages": stages}, keep=False) as stack,
    ):
        yield stack


def measure_kind(meter: UsageMeter, stack: LocalStack, kind: Kind) -> JobUsage:
    """Run the sample of a kind, watched over a WebSocket of its own, and return what it has used."""
    with Client(stack.endpoint, stack.token_for("bench"), socket_url=stack.socket) as client:
        return meter.measure(load_target(stack), lambda: run_sample(client, kind, stack.folder))


def run_sample(client: Client, kind: Kind, folder: Path) -> str:
    """Run the sample of a kind, download its results and return the job's id."""
    demo = KINDS[kind].demo
    assert demo is not None
    with ExitStack() as samples:
        files: dict[str, Source] = {
            role: samples.enter_context(sample(name)) if isinstance(name, str) else name
            for role, name in demo.files.items()
        }
        if demo.reduce:
            files = {role: reduced(path, folder) for role, path in files.items() if isinstance(path, Path)}
        job = client.run(kind, files, cache=False, **demo.params)
        client.download_all(job, folder / "results")
    return job.job_id


if __name__ == "__main__":
    sys.exit(main())
