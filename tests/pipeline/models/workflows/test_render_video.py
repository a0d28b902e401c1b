"""``render_video`` on the models engine: the whole plan, with a stub of the animator and a tiny transcriber."""

import wave
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
from PIL import Image

from bench.random_weights.video import write_stub_program
from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.kinds import Kind
from darkroom.contract.results import SHORT_WINDOWS_NOTE, Result
from darkroom.contract.video_params import RenderVideoParams
from pipeline.core.artifacts import SavedSubtitles, SavedVideo
from pipeline.core.runner import PlanResult, Runner
from pipeline.core.stages import StageContext
from pipeline.models.networks.transcriber import WhisperTranscriber
from pipeline.models.offload.device import Placement
from pipeline.models.offload.manager import ModelManager
from pipeline.models.stages.transcribe import NOT_UNDERSTOOD
from pipeline.plans import get_plan
from pipeline.speech.types import SAMPLE_RATE, Samples, Speech, Word
from pipeline.weights.catalog import catalog
from pipeline.weights.store import WeightStore

SECONDS = 2
DITTO = catalog()["ditto"]


def hum() -> Samples:
    """Return samples that the transcriber detects as voice."""
    at = np.arange(SECONDS * SAMPLE_RATE)
    return (0.7 * np.sin(at / 30) * np.sin(at / 9000)).astype(np.float32)


class Speaker:
    """Synthesiser that returns two words for any script."""

    about = "a test"

    def synthesise(
        self, script: str, _voice: object, _report: Callable[[float], None] = lambda _fraction: None
    ) -> Speech:
        first, second = script.split()
        return Speech(hum(), (Word(first, 0.2, 0.8), Word(second, 1.0, 1.8)))


Render = Callable[..., PlanResult]


@pytest.fixture
def render(tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Render:
    monkeypatch.setenv("DARKROOM_PROGRAMS", str(tmp_path / "programs"))
    write_stub_program(tmp_path / "programs" / DITTO.id, DITTO)
    models = ModelManager(WeightStore(tiny_weights), Placement.for_device("cpu"), accept_research_licence=True)

    def run(track: Samples | None = None, **params: object) -> PlanResult:
        folder = tmp_path / "job"
        folder.mkdir()
        files = {"avatar": tmp_path / "portrait.png"}
        Image.fromarray(np.full((120, 90, 3), (180, 140, 120), np.uint8)).save(files["avatar"])
        if track is not None:
            files["voice_track"] = tmp_path / "voice.wav"
            with wave.open(str(files["voice_track"]), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(SAMPLE_RATE)
                file.writeframes((track * 32767).astype("<i2").tobytes())
        given = RenderVideoParams.model_validate({"resolution": "360p", **params})
        context = StageContext(given, files, folder, network_provider=models, speaker=Speaker())
        reporter = SimpleNamespace(
            report=lambda *_: None, check=lambda: None, report_progress_image=lambda _picture: None
        )
        return Runner().run(get_plan(Kind.RENDER_VIDEO, Engine.MODELS), context, reporter)

    return run


def video(finished: PlanResult) -> SavedVideo:
    return next(file for file in finished.files if isinstance(file, SavedVideo))


def subtitles(finished: PlanResult) -> dict[str, str]:
    found = [file for file in finished.files if isinstance(file, SavedSubtitles)]
    return {file.format: file.path.read_text("utf-8") for file in found}


def test_a_script_becomes_a_talking_portrait_with_subtitles(render: Render) -> None:
    finished = render(script="Good morning.", subtitles="both", aspect="16:9")
    result_video = video(finished)
    assert (result_video.width, result_video.height) == (640, 360)
    assert SECONDS <= result_video.seconds <= SECONDS + 1
    with av.open(str(result_video.path)) as container:
        assert container.streams.video[0].frames == result_video.frames
        assert container.streams.audio[0].duration
    assert set(subtitles(finished)) == {"srt", "vtt"}
    assert "Good morning." in subtitles(finished)["srt"]
    assert [used.id for used in finished.models] == ["ditto"]
    assert any("by chance" in note for note in finished.notes)


def test_a_recorded_voice_without_a_script_is_transcribed(render: Render) -> None:
    finished = render(hum(), subtitles="file", language="en-US")
    assert "-->" in subtitles(finished)["srt"]
    assert [used.id for used in finished.models] == ["whisper-small", "ditto"]
    assert any("may be wrong" in note for note in finished.notes)


def test_an_empty_transcript_adds_a_note(render: Render) -> None:
    finished = render(np.full(SECONDS * SAMPLE_RATE, 1e-3, np.float32), subtitles="burned")
    assert NOT_UNDERSTOOD in finished.notes
    assert video(finished).seconds >= SECONDS


def test_a_portrait_without_a_face_fails_the_job(render: Render, tmp_path: Path) -> None:
    stderr = "img_crop, M_c2o, lmk203 = self._crop(img)\nTypeError: cannot unpack non-iterable NoneType object"
    (tmp_path / "programs" / DITTO.id / "inference.py").write_text(f"raise SystemExit({stderr!r})")
    with pytest.raises(DarkroomError) as raised:
        render(script="Good morning.")
    assert raised.value.detail.code is ErrorCode.NO_FACE
    assert not list((tmp_path / "job").glob("*.mp4"))


def test_a_voice_that_cannot_be_transcribed_fails_before_the_animation(
    render: Render, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "programs" / DITTO.id / "inference.py"
    program.write_text(f"open({str(tmp_path / 'animated')!r}, 'w'); raise SystemExit(1)")

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("Library libcublas.so.12 is not found or cannot be loaded")

    monkeypatch.setattr(WhisperTranscriber, "transcribe", fail)
    with pytest.raises(DarkroomError, match="transcribe"):
        render(hum(), subtitles="file", language="en-US")
    assert not (tmp_path / "animated").exists()


def test_out_of_memory_once_listens_in_shorter_windows(render: Render, monkeypatch: pytest.MonkeyPatch) -> None:
    windows: list[int] = []
    transcribe = WhisperTranscriber.transcribe

    def run_out(self: WhisperTranscriber, samples: Samples, language: str, report: object, seconds: int) -> object:
        windows.append(seconds)
        if seconds == 30:
            raise RuntimeError("CUDA failed with error out of memory")
        return transcribe(self, samples, language, report, seconds)  # type: ignore[arg-type]

    monkeypatch.setattr(WhisperTranscriber, "transcribe", run_out)
    finished = render(hum(), subtitles="file", language="en-US")
    assert windows == [30, 15]
    assert "-->" in subtitles(finished)["srt"]
    assert SHORT_WINDOWS_NOTE in finished.notes
    assert not Result(pictures=[], engine=Engine.MODELS, notes=list(finished.notes)).cacheable
