"""Test doubles and measurements for whole videos: synthesiser, intermediates, reporter, decoded results."""

import shutil
import threading
import wave
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from darkroom.contract.video_params import RenderScenesParams
from pipeline.core.networks import NetworkProvider
from pipeline.core.runner import PlanResult, Runner
from pipeline.core.stages import JobAbandoned, Plan, StageContext
from pipeline.scenes.intermediate_files import file_digest
from pipeline.speech.types import SAMPLE_RATE, Speech, Word

WORD_SECONDS, PAUSE_SECONDS = 0.25, 0.1
COLOURS = {"red": (200, 40, 40), "green": (40, 160, 40), "blue": (40, 60, 200)}
SPEECH_TONE, MUSIC_TONE = 440, 1_500  # hertz


class FolderIntermediates:
    """Intermediates in a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.path.mkdir()
        self._changed = threading.Condition()

    def get(self, name: str, path: Path, /) -> bool:
        if not (self.path / name).exists():
            return False
        shutil.copy(self.path / name, path)
        return True

    def put(self, name: str, path: Path, /) -> None:
        shutil.copy(path, self.path / name)
        with self._changed:
            self._changed.notify_all()

    def wait_for(self, pattern: str, count: int) -> None:
        """Wait until ``count`` parts match the pattern."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(list(self.path.glob(pattern))) >= count, timeout=30)


class ToneSynthesiser:
    """Synthesiser that renders each word as a quarter of a second of a tone."""

    about = "bursts 1"

    def __init__(self) -> None:
        self.scripts: list[tuple[str, str]] = []

    def synthesise(self, script, voice, report=lambda _fraction: None):
        report(0.0)
        self.scripts.append((script, voice.name))
        every = WORD_SECONDS + PAUSE_SECONDS
        texts = script.split()
        samples = np.zeros(round(len(texts) * every * SAMPLE_RATE), np.float32)
        burst = tone(SPEECH_TONE, WORD_SECONDS)
        words = []
        for index, text in enumerate(texts):
            start = index * every
            samples[round(start * SAMPLE_RATE) : round(start * SAMPLE_RATE) + len(burst)] = burst
            words.append(Word(text, start, start + WORD_SECONDS))
        report(1.0)
        return Speech(samples, tuple(words))


@dataclass
class Reporter:
    """Reporter that records all calls; stops the job when ``stop`` returns True."""

    stop: Callable[[str, float], bool] = lambda _stage, _progress: False
    stages: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    progress_images: list[NDArray[np.uint8]] = field(default_factory=list)

    def report(self, progress, stage, message, _timeline):
        self.stages.append(stage)
        self.messages.append(message)
        if self.stop(stage, progress):
            raise JobAbandoned

    def check(self):
        pass

    def report_progress_image(self, picture):
        self.progress_images.append(picture)


@dataclass(frozen=True)
class Video:
    """A finished video, decoded: frames N×H×W×3 uint8, sound n×2 float32; ``digests`` of all of its files by name."""

    finished: PlanResult
    frames: NDArray[np.uint8]
    sound: NDArray[np.float32]
    texts: Mapping[str, str]
    digests: Mapping[str, str]

    @property
    def level(self) -> NDArray[np.float32]:
        """Mean of both channels."""
        return self.sound.mean(1)


class VideoRenderer:
    """Renders videos of plain pictures; each call is a job with its own folder."""

    def __init__(self, folder: Path, models: NetworkProvider | None = None) -> None:
        self.folder = folder
        self.models = models
        self.speaker = ToneSynthesiser()
        self.intermediates = FolderIntermediates(folder / "kept")
        self.files: dict[str, Path] = {}
        self._jobs = iter(range(100))
        for name, colour in COLOURS.items():
            self.files[name] = folder / f"{name}.png"
            Image.new("RGB", (54, 54), colour).save(self.files[name])

    def context(self, scenes, **params) -> StageContext:
        job = self.folder / str(next(self._jobs))
        job.mkdir()
        raw_params = {"aspect": "1:1", "resolution": "360p", "transition": "cut", **params, "scenes": scenes}
        return StageContext(
            RenderScenesParams.model_validate(raw_params),
            self.files,
            job,
            network_provider=self.models,
            speaker=self.speaker,
            intermediates=self.intermediates,
        )

    def render(self, plan: Plan, scenes, reporter: Reporter | None = None, **params) -> Video:
        finished = Runner().run(plan, self.context(scenes, **params), reporter or Reporter())
        files = {file.name: file.path for file in finished.files}
        with av.open(str(files["result"])) as container:
            frames = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
        with av.open(str(files["result"])) as container:
            sound = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1).T
        texts = {name: path.read_text("utf-8") for name, path in files.items() if path.suffix in (".srt", ".vtt")}
        digests = {name: file_digest(path) for name, path in files.items()}
        return Video(finished, frames, sound, texts, digests)


def tone(hertz: float, seconds: float) -> NDArray[np.float32]:
    """Return a quiet sine."""
    return 0.3 * np.sin(np.arange(round(seconds * SAMPLE_RATE)) * (2 * np.pi * hertz / SAMPLE_RATE)).astype(np.float32)


def write_wav(samples: NDArray[np.float32], path: Path) -> Path:
    """Write the samples as a mono WAV."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((samples * 32_767).astype("<i2").tobytes())
    return path


def tone_amplitude(hertz: float, samples: NDArray[np.float32]) -> float:
    """Measure the amplitude of a tone within samples."""
    turns = np.exp(-2j * np.pi * hertz / SAMPLE_RATE * np.arange(len(samples)))
    return float(2 * np.abs((samples * turns).mean()))
