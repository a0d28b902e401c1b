"""Talking portraits by a stub of Ditto's program: output and errors."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from bench.random_weights.video import write_stub_program
from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.core.networks import networks_digest
from pipeline.core.stages import JobAbandoned
from pipeline.models.network_registry import ANIMATOR
from pipeline.models.networks import animator
from pipeline.models.offload.device import Placement
from pipeline.models.offload.manager import ModelManager
from pipeline.speech.types import SAMPLE_RATE, Speech
from pipeline.video.decoder import decode_frames
from pipeline.weights.catalog import catalog
from pipeline.weights.store import WeightStore

DITTO = catalog()["ditto"]
SECONDS = 0.4
FRAMES = 10


def voice(seconds: float = SECONDS) -> Speech:
    return Speech(np.full(round(seconds * SAMPLE_RATE), 0.2, np.float32), ())


@pytest.fixture
def portrait() -> np.ndarray:
    """Red above, blue below; both sides are odd."""
    picture = np.zeros((97, 65, 3), np.uint8)
    picture[:48], picture[48:] = (200, 0, 0), (0, 0, 200)
    return picture


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Checkout with the stub program, for this test only."""
    monkeypatch.setenv("DARKROOM_PROGRAMS", str(tmp_path / "programs"))
    write_stub_program(tmp_path / "programs" / DITTO.id, DITTO)
    return tmp_path / "programs" / DITTO.id


@pytest.fixture
def models(tiny_weights: Path, checkout: Path) -> ModelManager:
    return ModelManager(WeightStore(tiny_weights), Placement.for_device("cpu"), accept_research_licence=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "job").mkdir()
    return tmp_path / "job"


Animate = Callable[..., list[float]]


@pytest.fixture
def animate(models: ModelManager, portrait: np.ndarray, folder: Path) -> Animate:
    def run(speech: Speech | None = None) -> list[float]:
        fractions: list[float] = []
        with models.use(ANIMATOR) as networks:
            networks[ANIMATOR].animate(portrait, speech or voice(), folder / "clip.mp4", folder, fractions.append)
        return fractions

    return run


def program(checkout: Path, code: str) -> None:
    """Replace the stub program by this source; ``out`` is the path of its video."""
    head = "import sys, time; out = sys.argv[sys.argv.index('--output_path') + 1] + '.tmp.mp4'\n"
    (checkout / "inference.py").write_text(head + code)


def failure(animate: Animate, folder: Path) -> tuple[ErrorCode, bool]:
    """Return the error of a failed animation, which leaves no files."""
    with pytest.raises(DarkroomError) as raised:
        animate()
    assert not list(folder.iterdir())
    return raised.value.detail.code, raised.value.detail.retryable


def test_the_video_has_the_voices_length_and_the_portraits_colours(animate: Animate, folder: Path) -> None:
    fractions = animate()
    frames = list(decode_frames(folder / "clip.mp4"))
    assert len(frames) == FRAMES
    assert frames[0].shape == (96, 64, 3)
    assert np.abs(frames[0][20, 30].astype(int) - (200, 0, 0)).max() <= 6
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0, 1)
    assert [path.name for path in folder.iterdir()] == ["clip.mp4"]


@pytest.mark.parametrize("samples", [1, 1919, 1920, 1921])
def test_a_started_frame_counts_as_a_whole_one(animate: Animate, folder: Path, samples: int) -> None:
    animate(Speech(np.zeros(samples, np.float32), ()))
    assert len(list(decode_frames(folder / "clip.mp4"))) == -(-samples // 1920)


@pytest.mark.parametrize("frames_written", [FRAMES - animator.SLACK, FRAMES + animator.SLACK])
def test_a_few_frames_more_or_less_are_corrected(
    animate: Animate, folder: Path, checkout: Path, frames_written: int
) -> None:
    stub_program = (checkout / "inference.py").read_text()
    (checkout / "inference.py").write_text(
        stub_program.replace("for index in range(frames)", f"for index in range({frames_written})")
    )
    animate()
    assert len(list(decode_frames(folder / "clip.mp4"))) == FRAMES


@pytest.mark.parametrize("frames_written", [0, FRAMES - animator.SLACK - 1, FRAMES + animator.SLACK + 1])
def test_many_frames_more_or_less_are_an_error(
    animate: Animate, folder: Path, checkout: Path, frames_written: int
) -> None:
    stub_program = (checkout / "inference.py").read_text()
    (checkout / "inference.py").write_text(
        stub_program.replace("for index in range(frames)", f"for index in range({frames_written})")
    )
    assert failure(animate, folder) == (ErrorCode.INTERNAL, True)


NO_FACE = """Traceback (most recent call last):
    img_crop, M_c2o, lmk203 = self._crop(img, last_lmk=last_lmk, **kwargs)
    ^^^^^^^^^^^^^^^^^^^^^^^^^
TypeError: cannot unpack non-iterable NoneType object"""
NO_EYES = """Traceback (most recent call last):
  File "source2info.py", line 113, in _get_eye_info
IndexError: index 0 is out of bounds for axis 0 with size 0"""


@pytest.mark.parametrize(
    ("stderr", "code", "retryable"),
    [
        (NO_FACE, ErrorCode.NO_FACE, False),
        (NO_EYES, ErrorCode.NO_FACE, False),
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 MiB", ErrorCode.OUT_OF_MEMORY, True),
        ("onnxruntime: Failed to allocate memory for requested buffer", ErrorCode.OUT_OF_MEMORY, True),
        ("RuntimeError: Found no NVIDIA driver on your system", ErrorCode.ENGINE_UNAVAILABLE, False),
        ("ModuleNotFoundError: No module named 'librosa'", ErrorCode.ENGINE_UNAVAILABLE, False),
        ("TypeError: cannot unpack non-iterable NoneType object", ErrorCode.INTERNAL, True),
        ("", ErrorCode.INTERNAL, True),
    ],
)
def test_the_end_of_stderr_decides_the_error_and_is_logged(
    animate: Animate,
    folder: Path,
    checkout: Path,
    caplog: pytest.LogCaptureFixture,
    stderr: str,
    code: ErrorCode,
    retryable: bool,
) -> None:
    program(checkout, f"sys.stderr.write({stderr!r}); sys.exit(1)")
    assert failure(animate, folder) == (code, retryable)
    assert stderr in caplog.text


@pytest.mark.parametrize("code", ["", "open(out, 'wb').write(b'no video')", "open(out, 'wb')"])
def test_an_exit_without_a_video_is_an_error(animate: Animate, folder: Path, checkout: Path, code: str) -> None:
    program(checkout, code)
    assert failure(animate, folder) == (ErrorCode.INTERNAL, True)


def test_a_stopped_job_kills_the_program(
    models: ModelManager, portrait: np.ndarray, folder: Path, checkout: Path
) -> None:
    program(checkout, f"import os; open({str(folder)!r} + '/pid', 'w').write(str(os.getpid())); time.sleep(600)")

    def stop(_fraction: float) -> None:
        if (folder / "pid").exists() and (folder / "pid").read_text():
            raise JobAbandoned

    with models.use(ANIMATOR) as networks, pytest.raises(JobAbandoned):
        networks[ANIMATOR].animate(portrait, voice(), folder / "clip.mp4", folder, stop)
    with pytest.raises(ProcessLookupError):
        os.kill(int((folder / "pid").read_text()), 0)
    assert [path.name for path in folder.iterdir()] == ["pid"]


def test_portraits_are_rendered_one_at_a_time(
    models: ModelManager, portrait: np.ndarray, folder: Path, checkout: Path
) -> None:
    stub_program = (checkout / "inference.py").read_text()
    alone = (
        f"import os\nmark = {str(folder / 'mark')!r}\nos.mkdir(mark)\nimport atexit\natexit.register(os.rmdir, mark)\n"
    )
    (checkout / "inference.py").write_text(alone + stub_program)

    def run(name: str) -> None:
        with models.use(ANIMATOR) as networks:
            networks[ANIMATOR].animate(portrait, voice(), folder / name, folder, lambda _fraction: None)

    threads = [threading.Thread(target=run, args=(name,)) for name in ("one.mp4", "two.mp4")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(path.name for path in folder.iterdir()) == ["one.mp4", "two.mp4"]


def test_large_portraits_are_reduced_and_voices_are_clipped(models: ModelManager, folder: Path, checkout: Path) -> None:
    program(
        checkout,
        "import shutil, os, wave; given = os.path.dirname(out)\n"
        f"shutil.copy(given + '/portrait.png', {str(folder)!r}); shutil.copy(given + '/voice.wav', {str(folder)!r})",
    )
    loud = Speech(np.full(SAMPLE_RATE // 10, 1.5, np.float32), ())
    large = np.zeros((30, 3000, 3), np.uint8)
    with models.use(ANIMATOR) as networks, pytest.raises(DarkroomError):
        networks[ANIMATOR].animate(large, loud, folder / "clip.mp4", folder, lambda _fraction: None)
    with av.open(str(folder / "portrait.png")) as picture, av.open(str(folder / "voice.wav")) as sound:
        assert (picture.streams.video[0].width, picture.streams.video[0].height) == (1920, 19)
        fractions = np.concatenate([frame.to_ndarray()[0] for frame in sound.decode(audio=0)])
    assert (len(fractions), int(fractions.min()), int(fractions.max())) == (SAMPLE_RATE // 10, 32767, 32767)


def test_the_program_gets_no_credentials(
    animate: Animate, folder: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "hush")
    program(checkout, "import os; sys.exit(f'environment: {sorted(os.environ)}')")
    logged: list[str] = []
    monkeypatch.setattr(animator.logger, "error", lambda words, *values: logged.append(words % values))
    failure(animate, folder)
    assert "'HOME'" in logged[0]
    assert "AWS" not in logged[0]


def test_the_program_finds_the_libraries_of_cuda(
    animate: Animate, folder: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(animator, "library_folders", lambda: [Path("/wheels/cu13/lib"), Path("/wheels/cudnn/lib")])
    monkeypatch.setenv("LD_LIBRARY_PATH", "/usr/local/nvidia/lib64")
    program(checkout, "import os; sys.exit(os.environ['LD_LIBRARY_PATH'])")
    logged: list[str] = []
    monkeypatch.setattr(animator.logger, "error", lambda words, *values: logged.append(words % values))
    failure(animate, folder)
    assert "/wheels/cu13/lib:/wheels/cudnn/lib:/usr/local/nvidia/lib64" in logged[0]


@pytest.mark.parametrize("broken", ["inference.py", ".git/HEAD", ".venv/bin/python"])
def test_without_its_program_the_network_is_unavailable_with_the_reason(
    models: ModelManager, tiny_weights: Path, checkout: Path, broken: str
) -> None:
    models.check_weights([ANIMATOR])
    networks_digest([ANIMATOR], WeightStore(tiny_weights), {})
    (checkout / broken).unlink()
    for write_stub in (
        lambda: models.check_weights([ANIMATOR]),
        lambda: networks_digest([ANIMATOR], WeightStore(tiny_weights), {}),
    ):
        with pytest.raises(DarkroomError, match="antgroup/ditto-talkinghead") as raised:
            write_stub()
        assert raised.value.detail.code is ErrorCode.ENGINE_UNAVAILABLE


def test_the_animator_needs_the_accepted_research_licence(tiny_weights: Path) -> None:
    with pytest.raises(DarkroomError, match="non-commercial research only"):
        ModelManager(WeightStore(tiny_weights), Placement.for_device("cpu")).check_weights([ANIMATOR])


def test_the_programs_memory_counts_in_the_budget(models: ModelManager, tiny_weights: Path) -> None:
    files = sum((tiny_weights / DITTO.id / file).stat().st_size for file in DITTO.files)
    with models.use(ANIMATOR):
        assert [resident.size for resident in models.inventory().networks] == [animator.MEMORY_PER_WEIGHT_BYTE * files]
