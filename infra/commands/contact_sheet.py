"""Contact sheet of a video: frames with their times, the waveform, and its subtitles."""

import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from darkroom.client.result_files import subtitle_path
from infra.commands.comparison_sheet import BAND, GAP, INK, MARK, PAPER, fitted

FRAMES = 8
WIDTH = 2200
STRIP = 120
LINE = 26
RATE = 8_000  # sample rate of the waveform, in Hz
_TIMES = re.compile(r"(\d+):(\d\d):(\d\d)[,.](\d{3}) --> (\d+):(\d\d):(\d\d)[,.](\d{3})")


@dataclass(frozen=True)
class Cue:
    """A subtitle cue from ``start`` to ``end``, in seconds."""

    start: float
    end: float
    text: str


def contact_sheet(video: Path, target: Path) -> Path:
    """Write a PNG of eight frames of the video, its waveform, and the subtitles in the file beside it; return its path.

    Raises ``ModuleNotFoundError`` if PyAV is not installed.
    """
    frames, seconds = _frames(video)
    columns = FRAMES if frames[0][1].height > frames[0][1].width else FRAMES // 2
    wide = (WIDTH - GAP) // columns - GAP
    high = max(1, round(frames[0][1].height * wide / frames[0][1].width))
    rows = len(frames) // columns
    sheet = Image.new("RGB", (WIDTH, rows * (high + BAND) + STRIP + 4 * LINE + 3 * GAP), PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(BAND // 2)
    for number, (time, picture) in enumerate(frames):
        left = GAP + number % columns * (wide + GAP)
        top = number // columns * (high + BAND)
        draw.text((left, top + BAND / 2), clock(time), fill=INK, font=font, anchor="lm")
        sheet.paste(picture.resize((wide, high), Image.Resampling.LANCZOS), (left, top + BAND))
    top = rows * (high + BAND) + GAP
    _draw_waveform(draw, _peak_amplitudes(video, WIDTH - 2 * GAP, seconds), top)
    subtitles = subtitle_path(video, ".srt")
    if subtitles.exists():
        _draw_cues(draw, cues(subtitles.read_text("utf-8")), seconds, top + STRIP + GAP)
    sheet.save(target, "PNG", optimize=True)
    return target


def clock(seconds: float) -> str:
    """Return a time of a video as text.

    >>> clock(61.26)
    '1:01.3'
    """
    tenths = round(seconds * 10)
    return f"{tenths // 600}:{tenths // 10 % 60:02}.{tenths % 10}"


def cues(text: str) -> list[Cue]:
    """The cues of an SRT file, in order.

    >>> cues("1\\n00:00:01,500 --> 00:00:03,000\\nHello\\nthere.\\n")
    [Cue(start=1.5, end=3.0, text='Hello there.')]
    """
    found = []
    for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n")):
        times = _TIMES.search(block)
        if times is not None:
            parts = [int(part) for part in times.groups()]
            words = " ".join(block[times.end() :].split())
            found.append(Cue(_seconds(parts[:4]), _seconds(parts[4:]), words))
    return found


def _seconds(parts: Sequence[int]) -> float:
    hours, minutes, seconds, thousandths = parts
    return hours * 3600 + minutes * 60 + seconds + thousandths / 1000


def _frames(video: Path) -> tuple[list[tuple[float, Image.Image]], float]:
    """Return (seconds, frame) from the middle of equal parts of the video, and its duration in seconds."""
    import av  # noqa: PLC0415 - optional: the demo works without a sheet

    found: list[tuple[float, Image.Image]] = []
    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        seconds = container.duration / av.time_base if container.duration else 0.0
        for number in range(FRAMES):
            wanted = (number + 0.5) / FRAMES * seconds
            container.seek(int(wanted * av.time_base))
            # Decoding starts at a frame before the seek's target: skip to the first one at or after it.
            for frame in container.decode(stream):
                picture = frame
                if frame.time is not None and frame.time >= wanted:
                    break
            found.append((wanted, picture.to_image()))  # type: ignore[no-untyped-call] # of PyAV
    return found, seconds


def _peak_amplitudes(video: Path, columns: int, seconds: float) -> list[float]:
    """Return the peak amplitude in each of ``columns`` equal parts, in [0, 1]."""
    peaks = [0.0] * columns
    for number, sample in enumerate(chain.from_iterable(_samples(video))):
        column = int(number / RATE / seconds * columns) if seconds else columns
        if column >= columns:
            break
        peaks[column] = max(peaks[column], abs(sample) / 32768)
    return peaks


def _samples(video: Path) -> Iterator["array[int]"]:
    """Yield the audio in blocks of 16-bit samples, mono, 8 kHz; nothing without an audio stream."""
    import av  # noqa: PLC0415 - as above

    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    with av.open(str(video)) as container:
        for stream in container.streams.audio[:1]:
            for frame in container.decode(stream):
                for block in resampler.resample(frame):
                    yield array("h", bytes(block.planes[0])[: 2 * block.samples])


def _draw_waveform(draw: ImageDraw.ImageDraw, peaks: Sequence[float], top: int) -> None:
    middle = top + STRIP / 2
    for column, peak in enumerate(peaks):
        half = max(0.5, peak * STRIP / 2)
        draw.line((GAP + column, middle - half, GAP + column, middle + half), fill=INK)


def _draw_cues(draw: ImageDraw.ImageDraw, drawn_cues: Sequence[Cue], seconds: float, top: int) -> None:
    """Draw each cue below its time, with a line for its duration; alternate the height to avoid overlaps."""
    font = ImageFont.load_default(LINE * 0.7)
    scale = (WIDTH - 2 * GAP) / seconds
    for number, cue in enumerate(drawn_cues):
        left, right = GAP + cue.start * scale, GAP + min(cue.end, seconds) * scale
        height = top + number % 2 * 2 * LINE
        draw.line((left, height, right, height), fill=MARK, width=4)
        until = drawn_cues[number + 2].start if number + 2 < len(drawn_cues) else seconds
        words = fitted(cue.text, int((until - cue.start) * scale), font)
        draw.text((left, height + LINE * 0.8), words, fill=INK, font=font, anchor="lm")
