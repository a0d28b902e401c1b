"""Models that a person brings as a file: looked at, put in their place, recorded."""

import math
import shutil
from pathlib import Path

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.weights.catalog import Model, Original
from pipeline.weights.checkpoints import NotACheckpoint, tensor_shapes
from pipeline.weights.store import IMPORTED, WeightStore


def import_file(model: Model, file: Path, weight_store: WeightStore) -> None:
    """Put the authors' own file where a fetch would put the model's, and record it as it is.

    Raises ``ValueError`` for a model that has no such file, ``DarkroomError`` (``engine_unavailable``) of one line
    when ``file`` is not the one that is wanted or cannot be copied.
    """
    if model.original is None or len(model.files) != 1:
        raise ValueError(f"{model.id} is fetched, not imported")
    try:
        if problem := _problem(model.original, file):
            raise _refused(f"{file} is not {model.original.file} of {model.id}: {problem}. {_remedy(model.original)}")
        place = weight_store.folder / model.id / model.files[0]
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = place.with_name(f"{place.name}.importing")
        try:
            shutil.copyfile(file, draft)
            draft.replace(place)
        finally:
            draft.unlink(missing_ok=True)
        weight_store.record(model, IMPORTED)
    except OSError as error:
        raise _refused(f"{error.filename or file}: {error.strerror or error}.") from error


def _problem(original: Original, file: Path) -> str:
    """What is wrong with the file, in a few words; nothing when it is the one."""
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
