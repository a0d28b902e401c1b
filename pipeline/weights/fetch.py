"""Model download from the Hugging Face hub: fetches the catalogue's files and verifies each one's hash."""

import errno
import hashlib
import os
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.weights.catalog import COMMIT, Model
from pipeline.weights.hashing import sha256_of
from pipeline.weights.hub_errors import failed, mismatch, refused, translate_hub_errors, transport_error
from pipeline.weights.parallel import run_parallel
from pipeline.weights.store import FileRecord, ModelRecord, WeightStore, is_published

if TYPE_CHECKING:
    from huggingface_hub import HfApi

ATTEMPTS = 5
RETRY_SECONDS = 1.0
# What the hub's HTTP client reads of the environment, in lower case.
ENVIRONMENT = frozenset({"http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir"})
TIMEOUT_SECONDS = 30.0
LARGE = 50_000_000  # bytes from which on files are downloaded at once
FILES_AT_ONCE = 4  # of one model

# Called with the bytes present and the bytes in total, of one model.
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class FetchResult:
    """Result of a fetch: ``revision`` is a commit or ``IMPORTED``; ``downloaded`` is in bytes."""

    revision: str
    downloaded: int


@dataclass(frozen=True)
class _File:
    """A file as the hub describes it: large (LFS) files by SHA-256, small ones by the SHA-1 of their Git blob."""

    path: str
    size: int
    blob: str
    sha256: str | None

    def matches(self, file: Path) -> bool:
        """Return True if ``file`` has this size and hash."""
        if not file.is_file() or file.stat().st_size != self.size:
            return False
        if self.sha256 is not None:
            return sha256_of(file) == self.sha256
        blob = hashlib.sha1(b"blob %d\0" % self.size, usedforsecurity=False)
        blob.update(file.read_bytes())
        return blob.hexdigest() == self.blob


def fetch_model(
    model: Model, weight_store: WeightStore, progress: Progress = lambda _done, _total: None
) -> FetchResult:
    """Download the model's files into the weight store and record them. Intact files are not fetched again.

    The revision is the catalogue's commit. If the catalogue names a branch, it is the recorded commit, or at the first
    fetch the branch's current one. Interrupted downloads resume. If all files are present, as after an import, no
    network is needed. ``HF_ENDPOINT`` and ``HF_TOKEN`` work as in ``huggingface_hub``.

    Raises ``DarkroomError`` (``engine_unavailable``) with a message of one line. Causes: no library, network or disk
    space, a file missing on the hub, or a file that differs from its record or from the hub's hash.
    """
    recorded = weight_store.record_of(model)
    if recorded is not None and is_published(recorded.revision) and not weight_store.verify(model):
        size = sum(file.size for file in recorded.files.values())
        progress(size, size)
        return FetchResult(recorded.revision, 0)
    hub = _hub()
    folder = weight_store.folder / model.id
    with translate_hub_errors(model, folder):
        commit = _commit(hub, model, recorded)
        files = _files(hub, model, commit)
        known = recorded.files if recorded is not None and recorded.revision == commit else {}
        _check_unchanged(model, files, known)
        folder.mkdir(parents=True, exist_ok=True)
        missing_files = [file for file in files if not file.matches(folder / file.path)]
        total, missing = sum(file.size for file in files), sum(file.size for file in missing_files)
        _check_disk_space(folder, missing - sum(_size(_part(folder, file, commit)) for file in missing_files))
        received = _Received(progress, total - missing, total)
        download = partial(_download, hub, model, commit, folder, received)
        # Large files are all of the time: the others come first, one by one.
        for file in missing_files:
            if file.size < LARGE:
                download(file, lambda: None)
        large = [partial(download, file) for file in missing_files if file.size >= LARGE]
        deque(run_parallel(large, FILES_AT_ONCE), maxlen=0)
        digests = model.digests
        for file in files:
            found = sha256_of(folder / file.path)
            if file.path in known and found != known[file.path].sha256:
                raise mismatch(model, file.path, "its SHA-256 is not the one recorded when it was first fetched")
            if found != digests.get(file.path, found):
                raise mismatch(model, file.path, "its SHA-256 is not the one that public texts have")
        weight_store.record(model, commit)
    progress(total, total)
    return FetchResult(commit, missing)


def _hub() -> "HfApi":
    try:
        from huggingface_hub import HfApi  # noqa: PLC0415 - half a second that only a download needs
    except ImportError:
        raise DarkroomError(
            ErrorCode.ENGINE_UNAVAILABLE,
            "Fetching models needs huggingface_hub: pip install 'darkroom-sdk[models]' brings it and what runs them.",
        ) from None
    _check_environment()
    return HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None, library_name="darkroom")


def _check_environment() -> None:
    """Raise ``DarkroomError`` if the hub's HTTP client cannot be made: it reads proxies and certificates at once."""
    from huggingface_hub import get_session  # noqa: PLC0415 - with the library, see above

    try:
        get_session()
    except Exception:
        # The values may hold passwords, and so may the error.
        names = ", ".join(sorted(name for name in os.environ if name.lower() in ENVIRONMENT and os.environ[name]))
        raise DarkroomError(
            ErrorCode.ENGINE_UNAVAILABLE,
            f"The hub cannot be reached with these variables of the environment: {names}. Change or unset them. A SOCKS"
            " proxy needs pip install 'darkroom-sdk[socks]'.",
        ) from None


def _commit(hub: "HfApi", model: Model, recorded: ModelRecord | None) -> str:
    if model.pinned:
        return model.revision
    if recorded is not None and recorded.repository == model.repository and COMMIT.fullmatch(recorded.revision):
        return recorded.revision
    commit = hub.model_info(model.repository, revision=model.revision, timeout=TIMEOUT_SECONDS).sha
    if commit is None or not COMMIT.fullmatch(commit):
        raise failed(model, f"the hub names no commit for {model.repository} at {model.revision}")
    return commit


def _files(hub: "HfApi", model: Model, commit: str) -> list[_File]:
    """Return the hub's description of the model's files, in the catalogue's order."""
    from huggingface_hub.hf_api import RepoFile  # noqa: PLC0415 - with the library, see above

    entries = hub.get_paths_info(model.repository, list(model.files), revision=commit)
    found = {
        info.path: _File(info.path, info.size, info.blob_id, info.lfs.sha256 if info.lfs else None)
        for info in entries
        if isinstance(info, RepoFile)
    }
    for path in model.files:
        if path not in found:
            raise failed(model, f"{model.repository} has no file {path} at {commit[:8]}")
    return [found[path] for path in model.files]


def _check_unchanged(model: Model, files: list[_File], known: dict[str, FileRecord]) -> None:
    """Check before any download that the hub's hashes are those recorded at this commit, and the catalogue's."""
    digests = model.digests
    for file in files:
        before = known.get(file.path)
        if before is not None and file.sha256 not in (None, before.sha256):
            raise mismatch(model, file.path, "the hub's SHA-256 is not the one recorded when it was first fetched")
        if file.path in digests and file.sha256 not in (None, digests[file.path]):
            raise mismatch(model, file.path, "the hub's SHA-256 is not the one that public texts have")


class _Received:
    """Progress of a model's files, which may come at once: the sum of their bytes. Thread-safe."""

    def __init__(self, progress: Progress, present: int, total: int) -> None:
        self._progress, self._present, self._total = progress, present, total
        self._bytes: dict[str, int] = {}
        self._lock = threading.Lock()

    def report(self, path: str, count: int) -> None:
        """Report that ``count`` bytes of a file are here."""
        with self._lock:
            self._bytes[path] = count
            self._progress(self._present + sum(self._bytes.values()), self._total)


def _download(
    hub: "HfApi", model: Model, commit: str, folder: Path, received: _Received, file: _File, check: Callable[[], None]
) -> None:
    """Download one file, verify it and move it into place. A partial file is kept on failure, to resume from.

    ``check`` is called before every block, and ends the download by raising.
    """
    from huggingface_hub import hf_hub_url  # noqa: PLC0415 - with the library, see above

    url = hf_hub_url(model.repository, file.path, revision=commit, endpoint=hub.endpoint)
    part = _part(folder, file, commit)
    part.parent.mkdir(parents=True, exist_ok=True)
    last = ATTEMPTS - 1

    def progress(count: int) -> None:
        check()
        received.report(file.path, count)

    for attempt in range(ATTEMPTS):
        try:
            _stream(url, part, file.size, progress)
            break
        except transport_error() as error:
            if attempt == last or refused(error):
                raise
            time.sleep(RETRY_SECONDS * 2**attempt)
    if not file.matches(part):
        part.unlink()
        raise mismatch(model, file.path, "what came is not what the hub says it is")
    part.replace(folder / file.path)


def _stream(url: str, part: Path, size: int, progress: Callable[[int], None]) -> None:
    """Append the missing bytes to ``part``, which is ``size`` bytes when complete."""
    from huggingface_hub import get_session  # noqa: PLC0415 - with the library, see above
    from huggingface_hub.utils import (  # type: ignore[attr-defined] # documented there  # noqa: PLC0415 - likewise
        build_hf_headers,
        hf_raise_for_status,
    )

    if _size(part) > size:
        part.unlink()
    part.touch()
    received = _size(part)
    progress(received)
    if received == size:
        return
    # A compressed transfer could not be resumed.
    headers = build_hf_headers(library_name="darkroom") | {"Accept-Encoding": "identity", "Range": f"bytes={received}-"}
    with get_session().stream("GET", url, headers=headers, timeout=TIMEOUT_SECONDS, follow_redirects=True) as response:
        if response.is_error:
            response.read()
        hf_raise_for_status(response)
        continued = response.status_code == 206
        received = received if continued else 0
        with part.open("ab" if continued else "wb") as target:
            for chunk in response.iter_bytes():
                target.write(chunk)
                received += len(chunk)
                progress(min(received, size))


def _check_disk_space(folder: Path, needed: int) -> None:
    if shutil.disk_usage(folder).free < needed:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def _part(folder: Path, file: _File, commit: str) -> Path:
    """Return the path of a partial download. It contains the commit, so that two revisions are never mixed."""
    path = folder / file.path
    return path.with_name(f"{path.name}.{commit[:8]}.part")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
