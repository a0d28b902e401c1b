"""Weight store: model files on disk, a folder per model, verified against a manifest of recorded hashes."""

import hashlib
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from tempfile import NamedTemporaryFile

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.weights.catalog import COMMIT, Model
from pipeline.weights.hashing import forget, hash_files, known_sha256, sha256_of
from pipeline.weights.programs import Checkout

logger = logging.getLogger(__name__)

MANIFEST = "manifest.json"
IMPORTED = "imported"  # revision of models imported from a file


def is_published(revision: str) -> bool:
    """Return True for a commit and for ``IMPORTED``. Weights that never were in a repository (random ones) have another
    form.
    """
    return revision == IMPORTED or COMMIT.fullmatch(revision) is not None


@dataclass(frozen=True)
class Weights:
    """Files of one model: ``folder / path`` for each path of ``model.files``.

    ``checkout`` is the expected checkout of the program that runs the model; None if it needs none.
    """

    model: Model
    folder: Path
    revision: str
    checkout: Checkout | None = None


class FileRecord(BaseModel):
    """Recorded size and hash of a file."""

    model_config = ConfigDict(frozen=True)

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0, description="Bytes.")


class ModelRecord(BaseModel):
    """Recorded files of a model: ``revision`` is a commit of ``repository``, or ``IMPORTED``."""

    model_config = ConfigDict(frozen=True)

    repository: str
    revision: str
    files: dict[str, FileRecord]


class Manifest(BaseModel):
    """Manifest of the weight store: recorded models by id."""

    models: dict[str, ModelRecord] = {}


def default_folder() -> Path:
    """Return the weight store's folder: ``DARKROOM_WEIGHTS``, else ``darkroom/weights`` in the user's cache."""
    if named := os.environ.get("DARKROOM_WEIGHTS"):
        return Path(named).expanduser()
    if sys.platform == "win32":
        cache = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        cache = Path.home() / "Library" / "Caches"
    else:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "darkroom" / "weights"


def programs_folder(weights: Path) -> Path:
    """Return the folder of model programs: ``DARKROOM_PROGRAMS``, else ``programs`` in the weights' folder."""
    named = os.environ.get("DARKROOM_PROGRAMS")
    return Path(named).expanduser() if named else weights / "programs"


class WeightStore:
    """Folder of all models' weights, which may be read-only. Thread-safe.

    A missing or altered file raises ``DarkroomError`` (``engine_unavailable``); its message of one line names the file
    and the command to fix it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self._lock = threading.Lock()
        self._cached_manifest: tuple[tuple[int, int], Manifest] | None = None
        self._opened: Queue[Model] | None = None
        self._verified: set[str] = set()

    def record_of(self, model: Model) -> ModelRecord | None:
        """Return the model's manifest entry; None if it was never fetched."""
        return self._manifest().models.get(model.id)

    def record(self, model: Model, revision: str) -> None:
        """Hash the model's files and record them in the manifest, for later verification."""
        files = {}
        for path in model.files:
            file = self._file(model, path)
            if not file.is_file():
                raise _unusable(model, f"The file {model.id}/{path} is missing")
            files[path] = FileRecord(sha256=sha256_of(file), size=file.stat().st_size)
        with self._lock:
            manifest = self._manifest()
            models = manifest.models | {
                model.id: ModelRecord(repository=model.repository, revision=revision, files=files)
            }
            self._write(Manifest(models=models))

    def open(self, model: Model) -> Weights:
        """Check the model's files as ``check`` does, and return them.

        The files of a program, which run as code, are hashed first. Each file is hashed once per process, and again
        only if its size or modification time has changed.
        """
        recorded = self._complete_record(model)
        for problem in self._problems(model, recorded, _altered if model.program is not None else _known_altered):
            raise _unusable(model, problem)
        self._verify_later(model)
        return Weights(model, self.folder / model.id, recorded.revision, self.checkout(model))

    def checkout(self, model: Model) -> Checkout | None:
        """Return the expected checkout of the model's program, unchecked; None if it needs none."""
        if model.program is None:
            return None
        return Checkout(model.program, programs_folder(self.folder).absolute() / model.id)

    def check(self, model: Model) -> None:
        """Compare the sizes of the model's files, and the hashes that are known, without reading the files.

        Raises ``DarkroomError`` (``engine_unavailable``) for the first problem.
        """
        for problem in self._problems(model, self._complete_record(model), _known_altered):
            raise _unusable(model, problem)

    def verify(self, model: Model) -> list[str]:
        """Hash every file again. Return one line per problem; an empty list if there is none."""
        return self.verify_all([model])[model.id]

    def verify_all(self, models: Sequence[Model]) -> dict[str, list[str]]:
        """Hash every file of the models again, several at once. Return the problems of each model, by id."""
        files = [self._file(model, path) for model in models for path in model.files]
        for file in files:
            forget(file)
        hash_files(files)
        problems: dict[str, list[str]] = {}
        for model in models:
            try:
                found = self._problems(model, self._complete_record(model), _altered)
                problems[model.id] = [_with_remedy(model, problem) for problem in found]
            except DarkroomError as error:
                problems[model.id] = [error.detail.message]
        return problems

    def verify_in_background(self) -> Queue[Model]:
        """From now on, hash the files of each model once, in the background, when it is first opened.

        Loading does not wait for it: hashing takes half a minute on some machines. It reads what loading reads, and
        no other model's files. ``check`` and ``open`` raise for an altered file from the moment it is found, which is
        logged, too. Returns the queue of opened models; its ``join`` waits until they are verified.
        """
        opened: Queue[Model] = Queue()
        # A daemon, which does not keep a process that ends.
        threading.Thread(target=self._verify_opened, args=(opened,), name="verify-weights", daemon=True).start()
        self._opened = opened
        return opened

    def digest(self, model: Model) -> str:
        """Return the SHA-256 over the recorded hashes of the model's files."""
        recorded = self._complete_record(model)
        hasher = hashlib.sha256()
        for path in sorted(model.files):
            hasher.update(f"{path}\0{recorded.files[path].sha256}\n".encode())
        return hasher.hexdigest()

    def _verify_later(self, model: Model) -> None:
        if self._opened is None:
            return
        with self._lock:
            if model.id in self._verified:
                return
            self._verified.add(model.id)
        self._opened.put(model)

    def _verify_opened(self, opened: Queue[Model]) -> None:
        while True:
            model = opened.get()
            try:
                hash_files(self._file(model, path) for path in model.files)
                self.check(model)
            except DarkroomError as error:
                logger.error("%s is not as it was recorded: %s", model.id, error)  # noqa: TRY400 - the message is all
            finally:
                opened.task_done()

    def _file(self, model: Model, path: str) -> Path:
        return self.folder / model.id / path

    def _complete_record(self, model: Model) -> ModelRecord:
        """Return the manifest entry, checked for every file of the catalogue and its pinned revision."""
        recorded = self.record_of(model)
        if recorded is None:
            raise _unusable(model, f"The model {model.id} was never fetched")
        for path in model.files:
            if path not in recorded.files:
                raise _unusable(model, f"The file {model.id}/{path} was never fetched")
        # Weights that never were in a repository (random ones) have a revision of another form.
        repinned = model.pinned and COMMIT.fullmatch(recorded.revision) and recorded.revision != model.revision
        if repinned or recorded.repository != model.repository:
            raise _unusable(
                model,
                f"The model {model.id} was fetched from {recorded.repository} at {recorded.revision[:8]}, "
                f"and {model.repository} at {model.revision[:8]} is wanted",
            )
        for path, digest in model.digests.items() if is_published(recorded.revision) else ():
            if recorded.files[path].sha256 != digest:
                raise _unusable(model, f"The file {model.id}/{path} has not the SHA-256 that public texts have")
        return recorded

    def _problems(
        self, model: Model, recorded: ModelRecord, wrong: Callable[[Path, FileRecord], bool]
    ) -> Iterator[str]:
        for path in model.files:
            file = self._file(model, path)
            try:
                if wrong(file, recorded.files[path]):
                    yield f"The file {model.id}/{path} is not what was fetched"
            except FileNotFoundError:
                yield f"The file {model.id}/{path} is missing"
            except OSError as error:
                yield f"The file {model.id}/{path} cannot be read ({error.strerror or error})"

    def _manifest(self) -> Manifest:
        path = self.folder / MANIFEST
        try:
            stat = path.stat()
            state = (stat.st_size, stat.st_mtime_ns)
            if self._cached_manifest is None or self._cached_manifest[0] != state:
                self._cached_manifest = (state, Manifest.model_validate_json(path.read_bytes()))
            return self._cached_manifest[1]
        except FileNotFoundError:
            return Manifest()
        except (OSError, ValidationError) as error:
            raise DarkroomError(
                ErrorCode.ENGINE_UNAVAILABLE,
                f"{path} cannot be read; remove it, and `darkroom models fetch` writes it anew.",
            ) from error

    def _write(self, manifest: Manifest) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", encoding="utf-8", dir=self.folder, prefix=f".{MANIFEST}.", delete=False) as file:
            partial = Path(file.name)
            try:
                file.write(manifest.model_dump_json(indent=2) + "\n")
                file.close()
                partial.chmod(0o644)  # like any other file: the server may run as another user
                partial.replace(self.folder / MANIFEST)
            finally:
                partial.unlink(missing_ok=True)
        self._cached_manifest = None


def _resized(file: Path, recorded: FileRecord) -> bool:
    return file.stat().st_size != recorded.size


def _known_altered(file: Path, recorded: FileRecord) -> bool:
    return _resized(file, recorded) or known_sha256(file) not in (None, recorded.sha256)


def _altered(file: Path, recorded: FileRecord) -> bool:
    return _resized(file, recorded) or sha256_of(file) != recorded.sha256


def _with_remedy(model: Model, problem: str) -> str:
    return f"{problem}; `darkroom models fetch {model.id}` mends it."


def _unusable(model: Model, problem: str) -> DarkroomError:
    return DarkroomError(ErrorCode.ENGINE_UNAVAILABLE, _with_remedy(model, problem))
