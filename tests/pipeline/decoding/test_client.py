"""Decoding in a child process: what happens when it hangs, crashes, runs out of something or outlives its worker."""

import io
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.jpeg_scans import MAX_SCANS
from darkroom.contract.kinds import Kind
from darkroom.contract.params import UpscaleParams
from pipeline.core.runner import Runner
from pipeline.core.stages import JobAbandoned, Plan, StageContext
from pipeline.decoding import client
from pipeline.decoding.client import decode_picture, decode_sound
from pipeline.decoding.picture_decoder import BAND_PIXELS
from pipeline.decoding.pool import DecoderPool
from pipeline.imaging.load_save import LoadPhoto
from tests.pipeline.scan_bomb import scan_bomb
from tests.pipeline.uninterrupted import go_on

ROOT = Path(__file__).parents[3]


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """A file that never ends and never says anything: whoever opens it waits."""
    path = tmp_path / "endless"
    os.mkfifo(path)
    return path


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(np.arange(64 * 64 * 3, dtype=np.uint8).reshape(64, 64, 3)).save(path)
    return path


def running_pid(pool: DecoderPool, photo: Path) -> int:
    """Decode something, and return the process that did it and waits for more."""
    decode_picture(photo, go_on, decoders=pool)
    return pool.pids[-1]


def raise_abandoned() -> None:
    raise JobAbandoned


def killing(pid: int, signal_number: int) -> Callable[[], None]:
    return lambda: os.kill(pid, signal_number)


def test_a_hanging_decoder_is_killed_and_reaped_when_the_job_is_cancelled(
    pool: DecoderPool, photo: Path, endless: Path
) -> None:
    pid = running_pid(pool, photo)
    with pytest.raises(JobAbandoned):
        decode_picture(endless, raise_abandoned, decoders=pool)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert decode_picture(photo, go_on, decoders=pool).rgb.shape == (64, 64, 3)


def test_a_hanging_sound_decoder_is_killed_when_the_job_is_cancelled(
    pool: DecoderPool, photo: Path, endless: Path
) -> None:
    pid = running_pid(pool, photo)
    with pytest.raises(JobAbandoned):
        next(decode_sound(endless, "stereo", "The music", raise_abandoned, decoders=pool))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


class Reporter:
    """Reporter of a job that is cancelled once its first stage has begun."""

    def __init__(self, *, cancelled: bool) -> None:
        self._cancelled = cancelled
        self._begun = False

    def report(self, *_progress: object) -> None:
        self._begun = True

    def check(self) -> None:
        if self._cancelled and self._begun:
            raise JobAbandoned

    def report_progress_image(self, _picture: object) -> None:
        raise AssertionError


def run_load(endless: Path, reporter: Reporter, deadline: datetime | None = None) -> None:
    plan = Plan(Kind.UPSCALE, Engine.PREVIEW, ((LoadPhoto(), 1.0),))
    context = StageContext(UpscaleParams(), {"photo": endless}, endless.parent)
    Runner().run(plan, context, reporter, deadline)


def test_a_cancelled_job_stops_while_its_photo_is_decoded(endless: Path) -> None:
    with pytest.raises(JobAbandoned):
        run_load(endless, Reporter(cancelled=True))


def test_a_job_stops_at_its_deadline_while_its_photo_is_decoded(endless: Path) -> None:
    with pytest.raises(DarkroomError) as raised:
        run_load(endless, Reporter(cancelled=False), datetime.now(UTC) + timedelta(seconds=0.5))
    assert raised.value.detail.code is ErrorCode.TIMED_OUT


def test_a_file_that_takes_too_long_is_refused_with_a_remedy(
    tmp_path: Path, pool: DecoderPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("L", (6000, 6000), 128).save(tmp_path / "slow.jpg", progressive=True)
    monkeypatch.setattr(client, "CPU_SECONDS", 0.02)
    with pytest.raises(DarkroomError) as raised:
        decode_picture(tmp_path / "slow.jpg", go_on, decoders=pool)
    detail = raised.value.detail
    assert (detail.code, detail.retryable) == (ErrorCode.INVALID_IMAGE, False)
    assert "takes longer" in detail.message
    assert "plain JPEG or PNG" in detail.message


def test_a_picture_that_crashes_its_decoder_is_refused_and_the_next_is_decoded(
    pool: DecoderPool, photo: Path, endless: Path
) -> None:
    pid = running_pid(pool, photo)
    with pytest.raises(DarkroomError) as raised:
        decode_picture(endless, killing(pid, signal.SIGSEGV), decoders=pool)
    assert (raised.value.detail.code, raised.value.detail.retryable) == (ErrorCode.INVALID_IMAGE, False)
    assert "crashes its decoder" in raised.value.detail.message
    assert decode_picture(photo, go_on, decoders=pool).rgb.shape == (64, 64, 3)


def test_sound_that_crashes_its_decoder_is_invalid_audio(pool: DecoderPool, photo: Path, endless: Path) -> None:
    pid = running_pid(pool, photo)
    with pytest.raises(DarkroomError) as raised:
        next(decode_sound(endless, "mono", "The voice", killing(pid, signal.SIGABRT), decoders=pool))
    assert raised.value.detail.code is ErrorCode.INVALID_AUDIO
    assert raised.value.detail.message.startswith("The voice ")


def test_a_decoder_that_the_system_kills_is_out_of_memory_and_worth_another_try(
    pool: DecoderPool, photo: Path, endless: Path
) -> None:
    pid = running_pid(pool, photo)
    with pytest.raises(DarkroomError) as raised:
        decode_picture(endless, killing(pid, signal.SIGKILL), decoders=pool)
    assert (raised.value.detail.code, raised.value.detail.retryable) == (ErrorCode.OUT_OF_MEMORY, True)


def test_a_decoder_that_died_while_idle_is_replaced(pool: DecoderPool, photo: Path) -> None:
    pid = running_pid(pool, photo)
    gone = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    select.select([gone], [], [])
    os.close(gone)
    assert running_pid(pool, photo) != pid


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pipeline.decoding.decoder_process._BOOTSTRAP", "raise SystemExit(3)"),
        ("sys.executable", "/nowhere/python"),
    ],
    ids=["it ends at once", "there is none"],
)
def test_a_decoder_that_cannot_start_is_the_machines_failure_not_the_files(
    photo: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setattr(name, value)
    with pytest.raises(DarkroomError) as raised:
        decode_picture(photo, go_on, decoders=DecoderPool())
    assert (raised.value.detail.code, raised.value.detail.retryable) == (ErrorCode.CONTAINER_FAILED, True)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit the address space")
def test_a_picture_that_takes_too_much_memory_is_too_large(tmp_path: Path) -> None:
    Image.new("L", (7000, 7000), 128).save(tmp_path / "wide.png", compress_level=1)
    pool = DecoderPool(memory_bytes=300 * 2**20)
    with pytest.raises(DarkroomError) as raised:
        decode_picture(tmp_path / "wide.png", go_on, decoders=pool)
    pool.close()
    assert raised.value.detail.code is ErrorCode.TOO_LARGE
    assert "more memory" in raised.value.detail.message


def test_a_warm_decoder_serves_one_file_after_another(pool: DecoderPool, photo: Path, tmp_path: Path) -> None:
    pool.warm_up()
    (pid,) = pool.pids
    (tmp_path / "broken.png").write_bytes(photo.read_bytes()[:90])
    for path in (photo, tmp_path / "broken.png", photo):
        try:
            decode_picture(path, go_on, decoders=pool)
        except DarkroomError as error:
            assert error.detail.code is ErrorCode.INVALID_IMAGE
        assert pool.pids == (pid,)


def test_music_that_is_not_read_to_its_end_leaves_no_process(tmp_path: Path, pool: DecoderPool, photo: Path) -> None:
    from tests.pipeline.video.test_decoder import save, tone  # noqa: PLC0415

    pid = running_pid(pool, photo)
    music = save(tmp_path / "music.wav", tone(20), "pcm_s16le", "s16")
    with closing(decode_sound(music, "stereo", "The music", go_on, decoders=pool)) as blocks:
        assert next(blocks).shape[1] == 2
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_decoder_ends_with_a_worker_that_was_killed(endless: Path, photo: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from pipeline.decoding.client import decode_picture, DECODERS\n"
        f"decode_picture(Path({str(photo)!r}), lambda: None); print(*DECODERS.pids, flush=True)\n"
        f"decode_picture(Path({str(endless)!r}), lambda: None)"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        gone = os.pidfd_open(int(worker.stdout.readline()))
        worker.kill()
    select.select([gone], [], [])
    os.close(gone)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_the_decoder_has_no_credentials_and_a_session_of_its_own(
    pool: DecoderPool, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-worker")
    pid = running_pid(pool, photo)
    assert b"secret-of-the-worker" not in Path(f"/proc/{pid}/environ").read_bytes()
    assert os.getsid(pid) == pid


def test_a_progressive_jpeg_with_too_many_scans_is_refused(tmp_path: Path, pool: DecoderPool) -> None:
    path = tmp_path / "bomb.jpg"
    path.write_bytes(scan_bomb(64, MAX_SCANS))
    with pytest.raises(DarkroomError) as raised:
        decode_picture(path, go_on, decoders=pool)
    assert raised.value.detail.code is ErrorCode.INVALID_IMAGE
    assert "more than 64 scans" in raised.value.detail.message


def test_an_ordinary_progressive_jpeg_is_decoded(tmp_path: Path, pool: DecoderPool, photo: Path) -> None:
    data = io.BytesIO()
    with Image.open(photo) as image:
        image.save(data, "JPEG", progressive=True, quality=100, subsampling=0)
    (tmp_path / "a.jpg").write_bytes(data.getvalue())
    assert decode_picture(tmp_path / "a.jpg", go_on, decoders=pool).rgb.shape == (64, 64, 3)


@pytest.mark.parametrize("channels", [3, 4])
def test_a_picture_that_arrives_in_several_parts_is_whole(tmp_path: Path, pool: DecoderPool, channels: int) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (701, 903, channels), np.uint8)
    assert 2 * BAND_PIXELS < 701 * 903
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    picture = decode_picture(tmp_path / "photo.png", go_on, decoders=pool)
    assert np.array_equal(picture.rgb, pixels[..., :3])
    assert picture.alpha is None if channels == 3 else np.array_equal(picture.alpha, pixels[..., 3])
