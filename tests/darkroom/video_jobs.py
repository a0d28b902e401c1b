"""Video jobs of the fake service, and input files for them."""

import hashlib
import wave
from pathlib import Path
from typing import Any

from darkroom.contract.jobs import Job
from darkroom.contract.results import Result, SubtitleFile, Video
from tests.darkroom import fake_service, jobs

SUBTITLES = {"srt": "application/x-subrip", "vtt": "text/vtt"}
CUES = "1\n00:00:00,000 --> 00:00:00,900\nHello\nthere.\n\n2\n00:01:01,250 --> 00:01:02,000\nBye.\n"


def completed_video_job(
    service: fake_service.Service, *, video: bytes = jobs.RESULT, subtitles: bool = True, kind: str = "render_video"
) -> Job:
    """A completed job of the service: a video of 12.4 seconds with its poster, and its subtitles."""
    service.files |= {"video": video, "subtitles": CUES.encode()}
    url = f"{service.url}/results"
    film = Video(
        name="result",
        content_type="video/mp4",
        width=720,
        height=1280,
        seconds=12.4,
        frames=310,
        frames_per_second=25,
        **_stored(video, f"{url}/video"),
    )
    texts = [
        SubtitleFile(
            name=form,
            content_type=declared,
            format=form,  # type: ignore[arg-type] # one of two
            language="en-US",
            cues=2,
            **_stored(CUES.encode(), f"{url}/subtitles"),
        )
        for form, declared in SUBTITLES.items()
    ]
    pictures = jobs.completed(4, f"{url}/poster").result
    assert pictures is not None
    poster = pictures.pictures[0].model_copy(update={"name": "poster"})
    result = Result(pictures=[poster], videos=[film], subtitles=texts if subtitles else [], engine="preview")
    return jobs.job(4, "completed", kind=kind, params={}, progress=1, result=result.model_dump())


def _stored(data: bytes, url: str) -> dict[str, Any]:
    return {"key": url, "size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "url": url}


def sound(path: Path, *, seconds: float = 0.1) -> Path:
    """A WAV file of silence."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(2 * round(8000 * seconds)))
    return path
