"""Model download from the Hugging Face hub: fetches the catalogue's files and verifies each one's hash."""

import errno
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.weights.catalog import COMMIT, Model
from pipeline.weights.store import IMPORTED, FileRecord, ModelRecord, WeightStore, sha256_of

if TYPE_CHECKING:
    from huggingface_hub import HfApi

ATTEMPTS = 5
RETRY_SECONDS = 1.0
# What the hub's HTTP client reads of the environment, in lower case.
ENVIRONMENT = frozenset({"http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir"})
TIMEOUT_SECONDS = 30.0

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
    is_known_revision = recorded is not None and (recorded.revision == IMPORTED or COMMIT.fullmatch(recorded.revision))
    if recorded is not None and is_known_revision and not weight_store.verify(model):
        size = sum(file.size for file in recorded.files.values())
        progress(size, size)
        return FetchResult(recorded.revision, 0)
    hub = _hub()
    folder = weight_store.folder / model.id
    with _translate_hub_errors(model, folder):
        commit = _commit(hub, model, recorded)
        files = _files(hub, model, commit)
        known = recorded.files if recorded is not None and recorded.revision == commit else {}
        _check_unchanged(model, files, known)
        folder.mkdir(parents=True, exist_ok=True)
        missing_files = [file for file in files if not file.matches(folder / file.path)]
        total, missing = sum(file.size for file in files), sum(file.size for file in missing_files)
        _check_disk_space(folder, missing - sum(_size(_part(folder, file, commit)) for file in missing_files))
        done = total - missing
        for file in missing_files:
            _download(hub, model, file, commit, folder, partial(_report, progress, done, total))
            done += file.size
            progress(done, total)
        for file in files:
            if file.path in known and sha256_of(folder / file.path) != known[file.path].sha256:
                raise _mismatch(model, file.path, "its SHA-256 is not the one recorded when it was first fetched")
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
        raise _failed(model, f"the hub names no commit for {model.repository} at {model.revision}")
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
            raise _failed(model, f"{model.repository} has no file {path} at {commit[:8]}")
    return [found[path] for path in model.files]


def _check_unchanged(model: Model, files: list[_File], known: dict[str, FileRecord]) -> None:
    """Check before any download that the hub's hashes at this commit are still those recorded."""
    for file in files:
        before = known.get(file.path)
        if before is not None and file.sha256 not in (None, before.sha256):
            raise _mismatch(model, file.path, "the hub's SHA-256 is not the one recorded when it was first fetched")


def _download(
    hub: "HfApi", model: Model, file: _File, commit: str, folder: Path, progress: Callable[[int], None]
) -> None:
    """Download one file, verify it and move it into place. A partial file is kept on failure, to resume from."""
    from huggingface_hub import hf_hub_url  # noqa: PLC0415 - with the library, see above

    url = hf_hub_url(model.repository, file.path, revision=commit, endpoint=hub.endpoint)
    part = _part(folder, file, commit)
    part.parent.mkdir(parents=True, exist_ok=True)
    last = ATTEMPTS - 1
    for attempt in range(ATTEMPTS):
        try:
            _stream(url, part, file.size, progress)
            break
        except _transport_error() as error:
            if attempt == last or _refused(error):
                raise
            time.sleep(RETRY_SECONDS * 2**attempt)
    if not file.matches(part):
        part.unlink()
        raise _mismatch(model, file.path, "what came is not what the hub says it is")
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


def _transport_error() -> type[Exception]:
    """Return the base error of the hub's HTTP library: httpx in older releases, httpx2 in newer ones."""
    from huggingface_hub.errors import HfHubHTTPError  # noqa: PLC0415 - with the library, see above

    return next(base for base in HfHubHTTPError.__mro__ if base.__name__ == "HTTPError" and issubclass(base, Exception))


def _refused(error: Exception) -> bool:
    """Return True for a permanent client error (4xx, except 408 and 429), which is not worth a retry."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status is not None and 400 <= status < 500 and status not in (408, 429)


@contextmanager
def _translate_hub_errors(model: Model, folder: Path) -> Iterator[None]:
    """Context manager that raises errors of the hub, the network and the disk as one-line ``DarkroomError``."""
    from huggingface_hub import errors  # noqa: PLC0415 - with the library, see above

    resume_hint = f"`darkroom models fetch {model.id}` goes on where it was"
    try:
        yield
    except errors.GatedRepoError as error:
        raise _failed(model, f"{model.repository} wants its terms accepted first; do so, and set HF_TOKEN") from error
    except errors.RepositoryNotFoundError as error:
        raise _failed(model, f"there is no {model.repository} on the hub, or not for this HF_TOKEN") from error
    except errors.RevisionNotFoundError as error:
        raise _failed(model, f"{model.repository} has no revision {model.revision}") from error
    except errors.OfflineModeIsEnabled as error:
        raise _failed(model, "HF_HUB_OFFLINE is set; unset it to fetch") from error
    except errors.HfHubHTTPError as error:
        raise _failed(
            model, f"the hub refused ({_one_line(error)}); {resume_hint}", retryable=not _refused(error)
        ) from error
    except _transport_error() as error:
        raise _failed(
            model, f"the hub cannot be reached ({_one_line(error)}); {resume_hint}", retryable=True
        ) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _failed(model, f"the disk of {folder} is full; make room, and {resume_hint}") from error
        raise _failed(model, f"{error.filename or folder}: {error.strerror or error}") from error


def _one_line(error: Exception) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:200]


def _check_disk_space(folder: Path, needed: int) -> None:
    if shutil.disk_usage(folder).free < needed:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def _report(progress: Progress, before: int, total: int, count: int) -> None:
    progress(before + count, total)


def _part(folder: Path, file: _File, commit: str) -> Path:
    """Return the path of a partial download. It contains the commit, so that two revisions are never mixed."""
    path = folder / file.path
    return path.with_name(f"{path.name}.{commit[:8]}.part")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _mismatch(model: Model, path: str, why: str) -> DarkroomError:
    return _failed(model, f"{model.id}/{path} is not the file it should be: {why}")


def _failed(model: Model, why: str, *, retryable: bool = False) -> DarkroomError:
    original = model.original
    import_hint = (
        f" Or take {original.file} from {original.where}, and `darkroom models import {model.id} {original.file}`."
        if original
        else ""
    )
    return DarkroomError(
        ErrorCode.ENGINE_UNAVAILABLE, f"{model.id} could not be fetched: {why}.{import_hint}", retryable=retryable
    )
