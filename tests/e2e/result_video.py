"""Result video as its viewer gets it: downloaded by its link and decoded without our code."""

import io
import re
from dataclasses import dataclass
from typing import Any

import av
import httpx2
import numpy as np
import pyloudnorm
from numpy.typing import NDArray

from tests.e2e.caller import TIMEOUT_SECONDS, JobDict

RATE = 48_000


@dataclass(frozen=True)
class ResultVideo:
    """``frames`` are N×H×W×3 uint8, ``sound`` is M×2 float32 at ``SAMPLE_RATE``; ``codecs`` video's and audio's."""

    frames: NDArray[Any]
    sound: NDArray[Any]
    codecs: tuple[str, str]
    seconds: float
    faststart: bool

    @property
    def loudness(self) -> float:
        """Integrated, in LUFS (ITU-R BS.1770)."""
        return float(pyloudnorm.Meter(RATE).integrated_loudness(self.sound.astype(np.float64)))

    @property
    def audio_seconds(self) -> float:
        """Duration of the audio, in seconds."""
        return len(self.sound) / RATE

    def at(self, seconds: float) -> NDArray[Any]:
        """The frame that is seen then, as int16."""
        found: NDArray[Any] = self.frames[min(round(seconds * 25), len(self.frames) - 1)].astype(np.int16)
        return found


def fetch(job: JobDict, which: str, name: str) -> bytes:
    """A file of a completed job, by its link."""
    assert job["state"] == "completed", job["error"]
    url = next(each["url"] for each in job["result"][which] if each["name"] == name)
    response = httpx2.get(url, timeout=TIMEOUT_SECONDS)
    assert response.is_success, response.text
    return response.content


def decode_video(job: JobDict) -> ResultVideo:
    """The video of a completed job, decoded."""
    data = fetch(job, "videos", "result")
    with av.open(io.BytesIO(data)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        codecs = (video.codec_context.name, audio.codec_context.name)
        assert video.average_rate == 25
        assert container.duration is not None
        seconds = container.duration / 1e6
        resampler = av.AudioResampler(format="flt", layout="stereo", rate=RATE)
        frames, sound = [], []
        for packet in container.demux(video, audio):
            for decoded in packet.decode():
                if isinstance(decoded, av.VideoFrame):
                    frames.append(decoded.to_ndarray(format="rgb24"))
                elif isinstance(decoded, av.AudioFrame):
                    sound += [each.to_ndarray().reshape(-1, 2) for each in resampler.resample(decoded)]
    return ResultVideo(
        np.stack(frames),
        np.concatenate(sound),
        codecs,
        seconds,
        faststart=data.index(b"moov") < data.index(b"mdat"),
    )


@dataclass(frozen=True)
class Cue:
    """A subtitle: seconds, and its text in one line."""

    start: float
    end: float
    text: str


_TIME = r"(\d+):(\d\d):(\d\d),(\d\d\d)"


def subtitles(job: JobDict) -> list[Cue]:
    """Cues of a completed job's SRT file."""
    found = []
    for block in fetch(job, "subtitles", "srt").decode().replace("\r\n", "\n").strip().split("\n\n"):
        _, times, *lines = block.split("\n")
        match = re.fullmatch(f"{_TIME} --> {_TIME}", times)
        assert match is not None, times
        numbers = [int(each) for each in match.groups()]
        start, end = (h * 3600 + m * 60 + s + ms / 1000 for h, m, s, ms in (numbers[:4], numbers[4:]))
        found.append(Cue(start, end, " ".join(lines)))
    return found
