"""Talking portraits by Ditto, run as a subprocess.

Li et al., Motion-Space Diffusion for Controllable Realtime Talking Head Synthesis, 2024.

Ditto is no package, and its configuration is a pickle. So the authors' program runs from its own checkout, as a
subprocess that ends with the job. From a picture and a recording it writes a silent video at 25 frames a second, beside
its output path. It then fails to find an ``ffmpeg`` for adding the sound, which does not matter.
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
from pipeline.core.out_of_memory import OUT_OF_MEMORY
from pipeline.imaging.resize import downscaled
from pipeline.models.offload.cuda_libraries import library_folders
from pipeline.models.offload.device import Placement
from pipeline.preview.faces.detection import detect_faces
from pipeline.speech.types import SAMPLE_RATE, Samples, Speech
from pipeline.video import FPS
from pipeline.video.clip import ClipFile
from pipeline.video.encoder import VideoWriter
from pipeline.weights.programs import Checkout, ProgramExit, run_program
from pipeline.weights.store import Weights

logger = logging.getLogger(__name__)

DATA_FOLDER = "ditto_pytorch"
CONFIGURATION = "ditto_cfg/v0.4_hubert_cfg_pytorch.pkl"
SILENT_SUFFIX = ".tmp.mp4"  # suffix of the silent video, which Ditto appends to its output path
LONG_SIDE = 1920  # Ditto reduces larger pictures to this itself
POLL_SECONDS = 0.2
MEMORY_PER_WEIGHT_BYTE = 2  # memory per byte of weights, with activations and CUDA's own share; calculated
SLACK = 3  # frames that the video may be too long or too short
# Ditto first counts windows of motion, of WINDOW new frames each, then rendered frames. BEFORE and MOTION are the
# shares of its progress before the windows and for them.
WINDOW = 70
START_SHARE, MOTION_SHARE = 0.05, 0.15
RENDERED_SHARE = 0.95  # of the whole progress; the rest is for encoding the video again
COUNTER = re.compile(r"(dit|writer): (\d+)it")
# The environment variables passed on to Ditto: no credentials, nothing of the job.
PASSED_VARIABLES = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "NVIDIA_VISIBLE_DEVICES")
# Variables that name folders which Ditto and its libraries write to.
FOLDER_VARIABLES = ("HOME", "TMPDIR", "XDG_CACHE_HOME", "MPLCONFIGDIR", "NUMBA_CACHE_DIR", "TORCH_HOME")

# Errors recognised by the end of stderr, as Ditto has no error codes.
_FAILURES: tuple[tuple[re.Pattern[str], ErrorCode, str, bool], ...] = (
    (
        OUT_OF_MEMORY,
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
    """Implements ``Animator`` by running Ditto, for one portrait at a time; others wait.

    It holds no memory between portraits, but its ``size`` always counts, so that there is room when it runs.
    """

    def __init__(self, placement: Placement, folder: Path, files: tuple[str, ...], checkout: Checkout) -> None:
        self._placement = placement
        self._folder = folder
        self._checkout = checkout
        self._run_lock = threading.Lock()
        self._size = MEMORY_PER_WEIGHT_BYTE * sum((folder / file).stat().st_size for file in files)

    def size(self) -> int:
        """Return the approximate bytes of device memory that its program takes."""
        return self._size

    def to_device(self) -> None:
        """Release torch's cached memory, as Ditto's process needs it."""
        self._placement.release_cached_memory(thorough=False)

    def to_host(self) -> None:
        """Do nothing: no memory is held between runs."""

    def close(self) -> None:
        """Do nothing: no memory is held between runs."""

    def runtime(self) -> str:
        """Return that a program of its own computes it."""
        return "a program"

    def animate(
        self, portrait: Rgb, speech: Speech, path: Path, folder: Path, report: Callable[[float], None]
    ) -> ClipFile:
        """Render H×W×3 uint8 sRGB saying ``speech`` to ``path``: see ``Animator``."""
        frames = math.ceil(len(speech.samples) * FPS / SAMPLE_RATE)
        with tempfile.TemporaryDirectory(prefix="animator-", dir=folder, ignore_cleanup_errors=True) as name:
            scratch = Path(name)
            _write_picture(portrait, scratch / "portrait.png")
            _write_voice(speech.samples, scratch / "voice.wav")
            report(0.0)
            while not self._run_lock.acquire(timeout=POLL_SECONDS):
                report(0.0)
            try:
                video = self._run(scratch, frames, lambda fraction: report(RENDERED_SHARE * fraction))
            finally:
                self._run_lock.release()
            _reencode(video, path, frames, lambda done: report(RENDERED_SHARE + (1 - RENDERED_SHARE) * done / frames))
        return ClipFile(path, _focus(portrait))

    def _run(self, scratch: Path, frames: int, report: Callable[[float], None]) -> Path:
        command = [
            *(str(self._checkout.interpreter), str(self._checkout.file)),
            *("--data_root", str(self._folder / DATA_FOLDER), "--cfg_pkl", str(self._folder / CONFIGURATION)),
            *("--audio_path", str(scratch / "voice.wav"), "--source_path", str(scratch / "portrait.png")),
            *("--output_path", str(scratch / "made")),
        ]
        progress = _Progress(frames)
        program_exit = run_program(
            command,
            self._checkout.folder,
            _environment(scratch, self._placement),
            on_line=progress.parse_line,
            check=lambda: report(progress.fraction),
        )
        video = scratch / f"made{SILENT_SUFFIX}"
        if program_exit.status or not video.is_file():
            raise _failure(program_exit)
        frame_total = _frame_count(video)
        if abs(frame_total - frames) > SLACK:
            logger.error("the animator made %d frames of %d:\n%s", frame_total, frames, program_exit.stderr_tail)
            raise _failed()
        return video


class _Progress:
    """Parser of the program's counters, which computes the fraction done."""

    def __init__(self, frames: int) -> None:
        self.fraction = 0.0
        self._frames = max(frames, 1)

    def parse_line(self, line: str) -> None:
        """Parse a line of stderr."""
        for counter, count in COUNTER.findall(line):
            if counter == "dit":
                progress = START_SHARE + MOTION_SHARE * min(int(count) / math.ceil(self._frames / WINDOW), 1)
            else:
                progress = (START_SHARE + MOTION_SHARE if int(count) else 0) + (1 - START_SHARE - MOTION_SHARE) * int(
                    count
                ) / self._frames
            self.fraction = max(self.fraction, min(progress, 1.0))


def load(weights: Mapping[str, Weights], placement: Placement) -> Ditto:
    """Load the role ``animator``. Raises ``DarkroomError`` (``engine_unavailable``) if its program is missing."""
    model_weights = weights["animator"]
    assert model_weights.checkout is not None
    model_weights.checkout.check()
    return Ditto(placement, model_weights.folder, model_weights.model.files, model_weights.checkout)


def _environment(scratch: Path, placement: Placement) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in PASSED_VARIABLES if name in os.environ}
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if placement.device.index is not None:
        # Ditto uses the first visible GPU, so make only ours visible. Our index counts the GPUs visible to us.
        visible = visible.split(",")[placement.device.index] if visible else str(placement.device.index)
    gpu = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    # ONNX Runtime looks for CUDA's libraries as the system's loader does.
    libraries = [*map(str, library_folders()), *filter(None, [inherited.get("LD_LIBRARY_PATH")])]
    if libraries:
        gpu["LD_LIBRARY_PATH"] = os.pathsep.join(libraries)
    fixed = {"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1", "MPLBACKEND": "Agg"}
    return inherited | gpu | fixed | dict.fromkeys(FOLDER_VARIABLES, str(scratch))


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


def _frame_count(path: Path) -> int:
    """Return the number of frames in a video's index; 0 if it is no video, or a truncated one."""
    try:
        with av.open(str(path)) as container:
            return container.streams.video[0].frames
    except (av.FFmpegError, IndexError):
        return 0


def _reencode(video: Path, path: Path, frames: int, on_frame: Callable[[int], None]) -> None:
    """Encode the video again with exactly ``frames`` frames, in the colour space of our videos.

    Ditto's writer uses BT.601 without marking it. Missing frames are filled with the last one.
    """
    pictures = _pictures(video)
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
    """Return the centre of the largest face, as shares of width and height; None if simple detection finds none.

    The face does not move in the video.
    """
    faces = detect_faces(portrait)
    if not faces:
        return None
    left, top, right, bottom = max(faces, key=lambda face: face.area).box
    height, width = portrait.shape[:2]
    return (left + right) / 2 / width, (top + bottom) / 2 / height


def _failure(program_exit: ProgramExit) -> DarkroomError:
    logger.error("the animator ended with %d:\n%s", program_exit.status, program_exit.stderr_tail)
    for pattern, code, message, retryable in _FAILURES:
        if pattern.search(program_exit.stderr_tail):
            return DarkroomError(code, message, retryable=retryable)
    return _failed()


def _failed() -> DarkroomError:
    return DarkroomError(
        ErrorCode.INTERNAL, "The animator failed at the portrait; what it said was logged. Try again.", retryable=True
    )
