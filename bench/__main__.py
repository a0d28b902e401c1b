"""``python -m bench``: measure everything, write ``bench/results.json``, renew the table in README.md."""

import argparse
import io
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image
from pydantic import BaseModel

from bench import baseline, lambdas, preview, spine, video
from bench.report import renew
from bench.statistics import machine
from infra.local.stack import LocalStack

RESULTS = Path(__file__).with_name("results.json")
README = Path(__file__).parents[1] / "README.md"


class Results(BaseModel):
    """One run, all on the same machine."""

    machine: str
    date: str
    baseline: baseline.Baseline
    spine: list[spine.Spine]
    lambdas: list[lambdas.Lambda]
    preview: list[preview.Preview]
    video: list[video.Film]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work; writes nothing")
    quick = parser.parse_args().quick
    loads = {1: 5, 10: 20, 50: 50} if quick else {1: 20, 10: 100, 50: 200}
    repeats = 2 if quick else 7
    photo = io.BytesIO()
    Image.new("RGB", (64, 64), "white").save(photo, "PNG")
    with tempfile.TemporaryDirectory() as folder:
        print("the spine, with an empty stage list …", flush=True)
        with LocalStack(
            Path(folder), context={"stages": "noop", "rate_limits": {"default": "1000000/60"}, "owner_daily_usd": 0}
        ) as stack:
            base = baseline.measure(stack, repeats)
            spines = spine.measure(stack, photo.getvalue(), loads)
            environment = stack.environments()
    print("the Lambdas …", flush=True)
    functions = lambdas.measure(environment, repeats)
    print("the preview engine …", flush=True)
    results = Results(
        machine=machine(),
        date=datetime.now(UTC).date().isoformat(),
        baseline=base,
        spine=spines,
        lambdas=functions,
        preview=preview.measure(repeats),
        video=video.measure(),
    )
    print(json.dumps(results.model_dump(mode="json"), indent=2))
    if not quick:
        RESULTS.write_text(results.model_dump_json(indent=2) + "\n")
        renew(README, results)


if __name__ == "__main__":
    main()
