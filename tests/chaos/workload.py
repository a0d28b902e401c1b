"""Workload of a campaign: jobs of every kind, each with the course that its caller takes."""

import io
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import cycle, islice
from random import Random
from typing import Any

from PIL import Image

from darkroom.contract.engine import Engine
from darkroom.contract.kinds import KINDS, Kind
from infra.commands.demo_samples import sample

PICTURE_SIDE = 320  # pixels
NOT_A_PICTURE = b"This file is not what it was declared to be." * 8
OWNERS = ("ada", "ben", "cleo")
# Params of kinds without a demo, which start from words.
WORDS = {"prompt": "a red bicycle"}

Files = Mapping[str, bytes | dict[str, Any]]


class Course(StrEnum):
    """What the caller does with a job."""

    FINISH = "finish"  # uploads its files and waits for the result
    CANCEL = "cancel"  # cancels it after a moment
    BROKEN_FILE = "broken file"  # uploads files that are no pictures
    ABANDON = "abandon"  # never uploads
    ASSET = "asset"  # takes a picture of the library in place of an upload


# Of ten jobs that could take any course.
COURSES = (*[Course.FINISH] * 5, *[Course.CANCEL] * 2, Course.BROKEN_FILE, Course.ABANDON, Course.ASSET)


# Kinds whose models need no operator's switch.
MODELS_KINDS = frozenset({Kind.RESTYLE_ROOM, Kind.INPAINT, Kind.GENERATE, Kind.UPSCALE, Kind.FIND_OBJECTS})


@dataclass(frozen=True)
class JobRequest:
    """One job of the workload. ``files`` maps roles to files, or to what stands in place of an upload.

    ``repeated``: the same request is sent twice. ``by_socket``: the job is watched over a WebSocket, else by polling.
    ``cancel_after`` is in seconds.
    """

    number: int
    kind: Kind
    owner: str
    idempotency_key: str
    params: Mapping[str, Any]
    files: Files
    course: Course
    repeated: bool
    by_socket: bool
    cancel_after: float
    engine: Engine = Engine.PREVIEW


def job_requests(random: Random, count: int) -> Iterator[JobRequest]:
    """Generate ``count`` requests: the kinds in turn, the rest by chance."""
    for number, kind in enumerate(islice(cycle(KINDS), count)):
        files, params = sample_input(kind)
        course = random.choice(COURSES)
        if not any(isinstance(file, bytes) for file in files.values()) and course is not Course.CANCEL:
            course = Course.FINISH  # there is nothing to upload
        if course is Course.ASSET and "photo" not in files:
            course = Course.FINISH
        yield JobRequest(
            number=number,
            kind=kind,
            owner=random.choice(OWNERS),
            idempotency_key=uuid.UUID(int=random.getrandbits(128)).hex,
            params=params,
            files=files,
            course=course,
            repeated=random.random() < 0.5,
            by_socket=random.random() < 0.5,
            cancel_after=random.uniform(0, 1.5),
            engine=engine_of(kind, models=number // len(KINDS) % 2 == 1),
        )


def engine_of(kind: Kind, *, models: bool) -> Engine:
    """Return the engine of a job, and with it its lane: the one that is asked for, if the local stack has it."""
    if Engine.PREVIEW not in KINDS[kind].engines:
        return Engine.MODELS
    return Engine.MODELS if models and kind in MODELS_KINDS else Engine.PREVIEW


@cache
def sample_input(kind: Kind) -> tuple[Files, Mapping[str, Any]]:
    """Return files and params of the kind's demo, with small pictures."""
    demo = KINDS[kind].demo
    if demo is None:
        return {}, WORDS
    files = {
        role: small(file) if isinstance(file, str) else file.model_dump(mode="json")
        for role, file in demo.files.items()
    }
    return files, demo.params


@cache
def small(name: str) -> bytes:
    """Return a sample file; a picture is made small."""
    with sample(name) as path:
        data = path.read_bytes()
    if not name.endswith((".jpg", ".png")):
        return data
    with Image.open(io.BytesIO(data)) as image:
        image.thumbnail((PICTURE_SIDE, PICTURE_SIDE))
        file = io.BytesIO()
        image.save(file, image.format)
    return file.getvalue()
