"""Requests of the asset library: what is declared of a picture, and how long its inspection is awaited."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from darkroom import Client, UploadError
from darkroom.client.input_files import InputFile
from darkroom.client.job_watcher import Pace
from darkroom.client.media import describe_audio, describe_picture

ASSET = {"asset_id": "a" * 32, "content_type": "image/jpeg", "created_at": "2026-06-01T00:00:00Z"}
READY, AWAITING = ASSET | {"state": "ready"}, ASSET | {"state": "awaiting_upload"}
SHA256 = {content: hashlib.sha256(content).hexdigest() for content in (b"", b"content")}


class Library:
    """A service whose asset goes through ``states``, the last of them for ever."""

    def __init__(self, *states: dict[str, Any]) -> None:
        self.states = list(states)
        self.sent: list[tuple[str, str, Any]] = []
        self.now = 0.0

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.sent.append((request.method, request.url.path, json.loads(request.content) if request.content else None))
        if request.method == "DELETE":
            return httpx2.Response(200, json={"asset_id": "a" * 32})
        state = self.states[0] if len(self.states) == 1 else self.states.pop(0)
        return httpx2.Response(200, json={"asset": state, "upload": None} if request.method == "POST" else state)

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds

    def client(self) -> Client:
        transport = httpx2.MockTransport(self.answer)
        client = Client("https://service.example", transport=transport, pace=Pace(poll=2.0, patience=10.0))
        client._operations._connections.clock = self  # type: ignore[misc]
        return client


@pytest.fixture
def ready() -> Iterator[tuple[Library, Client]]:
    library = Library(READY)
    with library.client() as client:
        yield library, client


@pytest.mark.parametrize(("content", "size"), [(b"content", {"size": 7}), (b"", {})])
def test_a_picture_is_declared_without_what_is_not_known_or_not_allowed(
    ready: tuple[Library, Client], content: bytes, size: dict[str, int]
) -> None:
    library, client = ready
    client.assets.add(content)
    (sent,) = library.sent
    assert sent == ("POST", "/assets", {"upload": {"content_type": "image/jpeg", "sha256": SHA256[content], **size}})


def test_a_picture_of_a_job_is_named_by_what_was_given(ready: tuple[Library, Client]) -> None:
    library, client = ready
    client.assets.keep("b" * 32)
    client.assets.keep("b" * 32, picture="result-2", name="mine")
    client.assets.keep("b" * 32, role="photo")
    assert [body for _, _, body in library.sent] == [
        {"job_id": "b" * 32},
        {"job_id": "b" * 32, "picture": "result-2", "name": "mine"},
        {"job_id": "b" * 32, "role": "photo"},
    ]


def test_an_inspection_is_awaited_and_asked_for_at_the_pace() -> None:
    library = Library(AWAITING, AWAITING, READY)
    with library.client() as client:
        assert client.assets.add(b"content").state == "ready"
    assert [(method, path) for method, path, _ in library.sent[1:]] == [("GET", f"/assets/{'a' * 32}")] * 2
    assert library.now == 4.0


def test_an_inspection_that_does_not_end_is_given_up_and_the_asset_removed() -> None:
    library = Library(AWAITING)
    with library.client() as client, pytest.raises(UploadError, match="within 10 s") as error:
        client.assets.add(b"content")
    assert (error.value.code, library.now) == ("timed_out", 12.0)
    assert library.sent[-1][:2] == ("DELETE", f"/assets/{'a' * 32}")


@pytest.mark.parametrize(
    ("reason", "code", "words"),
    [
        ({"code": "too_large", "message": "It is large."}, "too_large", "It is large."),
        (None, "invalid_image", "refused"),
    ],
)
def test_a_rejected_picture_is_removed_and_says_why(reason: dict[str, str] | None, code: str, words: str) -> None:
    library = Library(AWAITING, ASSET | {"state": "failed", "error": reason})
    with library.client() as client, pytest.raises(UploadError, match=words) as error:
        client.assets.add(b"content")
    assert error.value.code == code
    assert library.sent[-1][0] == "DELETE"


@pytest.mark.parametrize(("limit", "size"), [(7, 7), (6, None)])
def test_the_size_of_the_largest_picture_is_declared(
    monkeypatch: pytest.MonkeyPatch, limit: int, size: int | None
) -> None:
    monkeypatch.setattr("darkroom.client.media.byte_limit", lambda _content_type: limit)
    assert describe_picture(InputFile(b"content")).size == size
    assert describe_audio(InputFile(b"content", "voice.mp3")).size == size
    assert (describe_picture(InputFile(b"x")).size, describe_picture(InputFile(b"")).size) == (1, None)
