"""Ditto (Li et al., Motion-Space Diffusion for Controllable Realtime Talking Head Synthesis, 2024), run as it comes.

It is no package, and its configuration is a pickle: its authors' program runs from its own checkout as a process of its
own, which ends with the job. It takes a picture and a recording, and writes a video without sound at 25 frames a second
beside the path that it is given; that it cannot find an ``ffmpeg`` to add the sound afterwards is no matter.
"""

import logging
import math
import os
import re
import tempfile
import threading
import wave
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.core.arrays import Rgb
from pipeline.core.artifacts import Clip
from pipeline.imaging.resize import downscaled
from pipeline.models.offload.device import Placement
from pipeline.preview.faces.detection import detect_faces
from pipeline.speech.types import SAMPLE_RATE, Samples, Speech
from pipeline.video import FPS
from pipeline.video.encoder import VideoWriter
from pipeline.weights.programs import Checkout, ProgramExit, run_program
from pipeline.weights.store import Weights

logger = logging.getLogger(__name__)

DATA = "ditto_pytorch"
CONFIGURATION = "ditto_cfg/v0.4_hubert_cfg_pytorch.pkl"
SILENT = ".tmp.mp4"  # what it appends to the path that it is given, before the sound is added
LONG_SIDE = 1920  # what it would reduce larger pictures to itself
POLL_SECONDS = 0.2
MEMORY_PER_WEIGHT_BYTE = 2  # times the weights' bytes: activations and what CUDA itself takes, by arithmetic
SLACK = 3  # frames that it may make too many or too few
# What it counts on the way, as shares of the whole: windows of motion, of so many new frames each, then frames.
WINDOW = 70
BEFORE, MOTION = 0.05, 0.15
RENDERED_SHARE = 0.95  # of the whole: what is left is writing it anew
COUNTED = re.compile(r"(dit|writer): (\d+)it")
# All of our environment that it gets: no credentials, nothing of the job.
PASSED_ON = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "NVIDIA_VISIBLE_DEVICES")
# Everything that it and its libraries would write beside their results.
SCRATCH = ("HOME", "TMPDIR", "XDG_CACHE_HOME", "MPLCONFIGDIR", "NUMBA_CACHE_DIR", "TORCH_HOME")

# What its last words mean; it has no codes for them.
_FAILURES: tuple[tuple[re.Pattern[str], ErrorCode, str, bool], ...] = (
    (
        re.compile(r"out of memory|OutOfMemory|ALLOC_FAILED|Failed to allocate memory|MemoryError"),
        ErrorCode.OUT_OF_MEMORY,
        "The machine ran out of memory while it had the portrait speak. Try again.",
        True,
    ),
    (
        re.compile(r"self\._crop\(.*cannot unpack non-iterable NoneType|in _get_eye_info", re.DOTALL),
        ErrorCode.NO_FACE,
        "No face was found in the portrait. Take one that shows a face from the front, in good light.",
        False,
    ),
    (
        re.compile(r"ModuleNotFoundError|ImportError|No CUDA GPUs|no NVIDIA driver|not compiled with CUDA"),
        ErrorCode.ENGINE_UNAVAILABLE,
        "The animator cannot run on this machine: it needs a GPU, and its packages as containers/gpu/Dockerfile "
        "installs them. What it said was logged.",
        False,
    ),
)


class Ditto:
    """Holds nothing between two portraits; what it takes while it runs counts as taken all the time.

    One portrait at a time: others wait.
    """

    def __init__(self, placement: Placement, folder: Path, files: tuple[str, ...], checkout: Checkout) -> None:
        self._placement = placement
        self._folder = folder
        self._checkout = checkout
        self._turn = threading.Lock()
        self._size = MEMORY_PER_WEIGHT_BYTE * sum((folder / file).stat().st_size for file in files)

    def size(self) -> int:
        """Bytes of the device's memory that its program takes, roughly: room is made for it in time."""
        return self._size

    def to_device(self) -> None:
        """Have what torch keeps for itself given back: it belongs to another process now."""
        self._placement.release_cached_memory(thorough=False)

    def to_host(self) -> None:
        """Nothing: it is nowhere until it runs."""

    def close(self) -> None:
        """Nothing, likewise."""

    def animate(self, portrait: Rgb, speech: Speech, path: Path, folder: Path, report: Callable[[float], None]) -> Clip:
        """H×W×3 uint8 sRGB saying ``speech``, written to ``path``, as ``Animator`` has it."""
        frames = math.ceil(len(speech.samples) * FPS / SAMPLE_RATE)
        with tempfile.TemporaryDirectory(prefix="animator-", dir=folder, ignore_cleanup_errors=True) as name:
            scratch = Path(name)
            _write_picture(portrait, scratch / "portrait.png")
            _write_voice(speech.samples, scratch / "voice.wav")
            report(0.0)
            while not self._turn.acquire(timeout=POLL_SECONDS):
                report(0.0)
            try:
                made = self._run(scratch, frames, lambda fraction: report(RENDERED_SHARE * fraction))
            finally:
                self._turn.release()
            _rewrite(made, path, frames, lambda done: report(RENDERED_SHARE + (1 - RENDERED_SHARE) * done / frames))
        return Clip(path, _focus(portrait))

    def _run(self, scratch: Path, frames: int, report: Callable[[float], None]) -> Path:
        command = [
            *(str(self._checkout.interpreter), str(self._checkout.file)),
            *("--data_root", str(self._folder / DATA), "--cfg_pkl", str(self._folder / CONFIGURATION)),
            *("--audio_path", str(scratch / "voice.wav"), "--source_path", str(scratch / "portrait.png")),
            *("--output_path", str(scratch / "made")),
        ]
        progress = _Progress(frames)
        ended = run_program(
            command,
            self._checkout.folder,
            _environment(scratch, self._placement),
            on_line=progress.parse_line,
            check=lambda: report(progress.fraction),
        )
        made = scratch / f"made{SILENT}"
        if ended.status or not made.is_file():
            raise _failure(ended)
        there = _count(made)
        if abs(there - frames) > SLACK:
            logger.error("the animator made %d frames of %d:\n%s", there, frames, ended.stderr_tail)
            raise _failed()
        return made


class _Progress:
    """Which fraction is done, by what the program counts."""

    def __init__(self, frames: int) -> None:
        self.fraction = 0.0
        self._frames = max(frames, 1)

    def parse_line(self, line: str) -> None:
        """A line of its standard error."""
        for what, count in COUNTED.findall(line):
            if what == "dit":
                reached = BEFORE + MOTION * min(int(count) / math.ceil(self._frames / WINDOW), 1)
            else:
                reached = (BEFORE + MOTION if int(count) else 0) + (1 - BEFORE - MOTION) * int(count) / self._frames
            self.fraction = max(self.fraction, min(reached, 1.0))


def load(weights: Mapping[str, Weights], placement: Placement) -> Ditto:
    """From the role ``animator``. Raises ``DarkroomError`` (``engine_unavailable``) without its program."""
    given = weights["animator"]
    assert given.checkout is not None
    given.checkout.check()
    return Ditto(placement, given.folder, given.model.files, given.checkout)


def _environment(scratch: Path, placement: Placement) -> dict[str, str]:
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if placement.device.index is not None:
        # Ours among those that we see; it takes the first that it sees.
        visible = visible.split(",")[placement.device.index] if visible else str(placement.device.index)
    gpu = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    own = {"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1", "MPLBACKEND": "Agg"}
    return passed | gpu | own | dict.fromkeys(SCRATCH, str(scratch))


def _write_picture(portrait: Rgb, path: Path) -> None:
    Image.fromarray(downscaled(portrait, LONG_SIDE)).save(path, compress_level=1)


def _write_voice(samples: Samples, path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        for start in range(0, len(samples), SAMPLE_RATE):
            block = np.clip(samples[start : start + SAMPLE_RATE], -1, 1)
            file.writeframes(np.round(block * 32767).astype("<i2").tobytes())


def _count(path: Path) -> int:
    """How many frames a video's index has; 0 when it is none, or has no end."""
    try:
        with av.open(str(path)) as container:
            return container.streams.video[0].frames
    except (av.FFmpegError, IndexError):
        return 0


def _rewrite(made: Path, path: Path, frames: int, on_frame: Callable[[int], None]) -> None:
    """Exactly so many frames, in the colours of our own videos: its writer's are BT.601 and say nothing of it.

    The last one stands still where one is missing.
    """
    pictures = _pictures(made)
    picture = next(pictures)
    height, width = picture.shape[:2]
    with VideoWriter(path, width, height, intermediate=True) as writer:
        for _ in range(frames):
            writer.write(picture)
            picture = next(pictures, picture)
            on_frame(writer.frames)


def _pictures(path: Path) -> Iterator[Rgb]:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            picture = frame.reformat(
                format="rgb24",
                src_colorspace=Colorspace.ITU601,
                src_color_range=ColorRange.MPEG,
                dst_color_range=ColorRange.JPEG,
            )
            yield cast("Rgb", picture.to_ndarray())


def _focus(portrait: Rgb) -> tuple[float, float] | None:
    """The middle of the largest face, which stays where it is; None where none is found so simply."""
    faces = detect_faces(portrait)
    if not faces:
        return None
    left, top, right, bottom = max(faces, key=lambda face: face.area).box
    height, width = portrait.shape[:2]
    return (left + right) / 2 / width, (top + bottom) / 2 / height


def _failure(ended: ProgramExit) -> DarkroomError:
    logger.error("the animator ended with %d:\n%s", ended.status, ended.stderr_tail)
    for words, code, message, retryable in _FAILURES:
        if words.search(ended.stderr_tail):
            return DarkroomError(code, message, retryable=retryable)
    return _failed()


def _failed() -> DarkroomError:
    return DarkroomError(
        ErrorCode.INTERNAL, "The animator failed at the portrait; what it said was logged. Try again.", retryable=True
    )
