"""Plans of one stage with a given action, and helpers for their outcomes."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from cloud.dynamodb.job_store import JobStore
from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from pipeline.core.artifacts import SAVED, SavedPicture
from pipeline.core.stages import Plan, Stage, StageContext
from tests.containers.conftest import BUCKET, JOB

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Action = Callable[[StageContext], None]


class DevelopStage(Stage):
    """Call ``action``, then save the upload's bytes as the result."""

    name = "develop"
    message = "Developing"
    provides = (SAVED,)

    def __init__(self, action: Action) -> None:
        self.action = action

    def run(self, context: StageContext) -> None:
        self.action(context)
        path = context.folder / "result.jpg"
        path.write_bytes(context.files["photo"].read_bytes().upper())
        context[SAVED] = (SavedPicture("result", path, "image/jpeg", 4, 3),)


def plan_of(action: Action = lambda _: None) -> Plan:
    return Plan(Kind.RESTYLE_ROOM, Engine.PREVIEW, ((DevelopStage(action), 1.0),))


def keys(s3: "S3Client", prefix: str = "results/") -> list[str]:
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])]


def wait_for_stage(store: JobStore, stage: str) -> None:
    """Wait until the table says ``stage``: moto's conditional writes, unlike DynamoDB's, may run into each other."""
    pause = threading.Event()
    while (job := store.get(JOB)) is None or job.stage != stage:
        pause.wait(0.01)


def report_until_stopped(context: StageContext) -> None:
    """Run until a report stops the stage."""
    pause = threading.Event()
    for _ in range(3000):
        context.report(0.5)
        pause.wait(0.01)
    raise AssertionError("never stopped")
