"""Import of model files that a person downloaded: checks them, copies them into the weight store, records them."""

import math
import shutil
from pathlib import Path

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.weights.catalog import Model, Original
from pipeline.weights.checkpoints import NotACheckpoint, tensor_shapes
from pipeline.weights.store import IMPORTED, WeightStore


def import_file(model: Model, file: Path, weight_store: WeightStore) -> None:
    """Copy the authors' own file into the weight store and record it.

    Raises ``ValueError`` for a model that cannot be imported. Raises ``DarkroomError`` (``engine_unavailable``) with a
    message of one line if ``file`` is not the expected file or cannot be copied.
    """
    if model.original is None or len(model.files) != 1:
        raise ValueError(f"{model.id} is fetched, not imported")
    try:
        if problem := _problem(model.original, file):
            raise _refused(f"{file} is not {model.original.file} of {model.id}: {problem}. {_remedy(model.original)}")
        target = weight_store.folder / model.id / model.files[0]
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f"{target.name}.importing")
        try:
            shutil.copyfile(file, partial)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
        weight_store.record(model, IMPORTED)
    except OSError as error:
        raise _refused(f"{error.filename or file}: {error.strerror or error}.") from error


def _problem(original: Original, file: Path) -> str:
    """Return why the file is not the expected one, in a few words; an empty string if it is."""
    if not file.is_file():
        return "there is no such file"
    try:
        found = tensor_shapes(file)
    except NotACheckpoint as error:
        return str(error)
    for name, shape in original.shapes.items():
        if found.get(name) != shape:
            return f"it has no {name} of {'×'.join(map(str, shape))}"
    count = sum(math.prod(shape) for shape in found.values())
    if (len(found), count) != (original.tensors, original.parameters):
        return (
            f"it has {len(found)} tensors with {count:,} numbers, and {original.tensors} with "
            f"{original.parameters:,} are wanted"
        )
    return ""


def _remedy(original: Original) -> str:
    return f"Take {original.file} from {original.where}. {original.others}".rstrip()


def _refused(message: str) -> DarkroomError:
    return DarkroomError(ErrorCode.ENGINE_UNAVAILABLE, message)
