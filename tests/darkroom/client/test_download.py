"""Downloads: how often they are tried, which answers end them, and that only a whole and correct file is written."""

import hashlib
import random
from pathlib import Path

import httpx2
import pytest

from darkroom.client import download
from darkroom.client.blocking import BlockingConnections, run_blocking
from darkroom.client.errors import ClientError, DownloadError, LinkExpired, UnreachableError
from darkroom.client.job_watcher import Pace
from darkroom.client.tokens import StaticToken
from darkroom.contract.results import Picture

CONTENT = b"a picture" * 50_000


class Storage:
    """Answers or raises one thing after the other, and records pauses."""

    def __init__(self, *answers: httpx2.Response | Exception) -> None:
        self.answers = iter(answers)
        self.requested: list[str] = []
        self.pauses: list[float] = []
        self.connections = BlockingConnections(StaticToken(None), storage_transport=httpx2.MockTransport(self._answer))
        self.connections.clock.sleep = self._sleep  # type: ignore[method-assign]

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requested.append(str(request.url))
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def fetch(self, path: Path, url: str | None = "https://store.example/key?signature") -> None:
        picture = Picture(
            name="result",
            key="key",
            content_type="image/jpeg",
            size=len(CONTENT),
            sha256=hashlib.sha256(CONTENT).hexdigest(),
            width=1,
            height=1,
            url=url,
        )
        try:
            run_blocking(download.fetch(self.connections, picture, path))
        finally:
            run_blocking(self.connections.close())


@pytest.fixture(autouse=True)
def _no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda _low, high: high)


def fine() -> httpx2.Response:
    return httpx2.Response(200, content=CONTENT)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that is there already."""
    path = tmp_path / "downloads/result.jpg"
    path.parent.mkdir()
    path.write_bytes(b"an earlier one")
    return path


def test_a_whole_file_replaces_an_earlier_one(path: Path) -> None:
    storage = Storage(fine())
    storage.fetch(path)
    assert path.read_bytes() == CONTENT
    assert (storage.requested, storage.pauses) == (["https://store.example/key?signature"], [])
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("trouble", [httpx2.Response(503), httpx2.Response(429), httpx2.ReadError("cut off")])
def test_a_busy_storage_is_tried_four_times_after_doubling_pauses(
    path: Path, trouble: httpx2.Response | Exception
) -> None:
    storage = Storage(trouble, trouble, trouble, fine())
    storage.fetch(path)
    assert (path.read_bytes(), storage.pauses) == (CONTENT, [0.25, 0.5, 1.0])
    storage = Storage(trouble, trouble, trouble, trouble, fine())
    path.write_bytes(b"an earlier one")
    with pytest.raises(UnreachableError, match="The result could not be downloaded"):
        storage.fetch(path)
    assert (len(storage.requested), len(storage.pauses)) == (4, 3)
    assert path.read_bytes() == b"an earlier one"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("status", "code"),
    [(404, "not_found"), (405, "download_failed"), (410, "download_failed"), (501, "download_failed")],
)
def test_another_status_ends_the_download_at_once(path: Path, status: int, code: str) -> None:
    storage = Storage(httpx2.Response(status), fine())
    with pytest.raises(DownloadError, match=f"answers {status}") as error:
        storage.fetch(path)
    assert (error.value.code, storage.pauses, path.read_bytes()) == (code, [], b"an earlier one")


@pytest.mark.parametrize("status", [403, 400])  # 400 ExpiredToken: the session of the link's signer has ended
@pytest.mark.parametrize("url", ["https://store.example/key", None])
def test_a_link_that_is_refused_or_missing_has_expired(path: Path, url: str | None, status: int) -> None:
    storage = Storage(httpx2.Response(status), fine())
    with pytest.raises(LinkExpired):
        storage.fetch(path, url)
    assert len(storage.requested) == (1 if url else 0)


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT + b"x", b""])
def test_a_damaged_file_is_not_written(path: Path, content: bytes) -> None:
    with pytest.raises(DownloadError, match=f"{len(content)} bytes of {len(CONTENT)}") as error:
        Storage(httpx2.Response(200, content=content)).fetch(path)
    assert error.value.code == "checksum_mismatch"
    assert isinstance(error.value, ClientError)
    assert path.read_bytes() == b"an earlier one"


def test_a_watch_is_patient_for_a_minute_and_pings_before_the_gateway_closes() -> None:
    pace = Pace()
    assert (pace.poll, pace.quiet, pace.patience) == (1, 30, 60)
    assert (pace.first_reconnect, pace.longest_reconnect) == (0.5, 30)
    assert pace.ping == 240, "API Gateway closes after ten idle minutes"
