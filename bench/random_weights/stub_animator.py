"""Stub of Ditto's ``inference.py``: same arguments, output file and progress counter, without a network.

It is copied to where Ditto's checkout would be. The portrait's lower half darkens during speech.
"""

import argparse
import math
import sys
import wave
from pathlib import Path

import av
import numpy as np

FPS, WINDOW = 25, 70


def _write_progress(counter: str, count: int) -> None:
    sys.stderr.write(f"\r{counter}: {count}it [00:00, 25.00it/s]")
    sys.stderr.flush()


def main() -> None:
    """Read the portrait and the voice, write the video."""
    parser = argparse.ArgumentParser()
    for name in ("data_root", "cfg_pkl", "audio_path", "source_path", "output_path"):
        parser.add_argument(f"--{name}", required=True)
    given = parser.parse_args()
    if not (Path(given.cfg_pkl).is_file() and Path(given.data_root).is_dir()):
        raise FileNotFoundError(given.cfg_pkl)
    with wave.open(given.audio_path, "rb") as voice:
        per_frame = voice.getframerate() // FPS
        samples = np.frombuffer(voice.readframes(voice.getnframes()), "<i2")
    with av.open(given.source_path) as container:
        portrait = next(container.decode(video=0)).to_ndarray(format="rgb24")
    portrait = portrait[: portrait.shape[0] // 2 * 2, : portrait.shape[1] // 2 * 2]
    frames = math.ceil(len(samples) / per_frame)
    _write_progress("writer", 0)
    for window in range(math.ceil(frames / WINDOW)):
        _write_progress("dit", window + 1)
    with av.open(f"{given.output_path}.tmp.mp4", "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.height, stream.width = portrait.shape[:2]
        stream.pix_fmt = "yuv420p"
        for index in range(frames):
            part = samples[index * per_frame : (index + 1) * per_frame].astype(np.float64)
            picture = portrait.copy()
            lower = slice(portrait.shape[0] // 2, None)
            picture[lower] = (picture[lower] * (1 - min(np.abs(part).mean() / 8000, 0.9))).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            _write_progress("writer", index + 1)
        container.mux(stream.encode(None))


if __name__ == "__main__":
    main()
