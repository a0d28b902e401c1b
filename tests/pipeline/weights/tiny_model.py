"""A catalogue entry of two small files, which the tests' hub has."""

from darkroom.contract.kinds import Kind
from pipeline.weights.catalog import Model
from tests.pipeline.weights.hub import COMMIT

WEIGHTS = bytes(range(256)) * 40
CONFIG = b'{"layers": 2}'


def model(revision: str = COMMIT, **fields: object) -> Model:
    usual: dict[str, object] = {
        "id": "tiny",
        "role": "depth",
        "repository": "someone/tiny",
        "revision": revision,
        "layout": "transformers",
        "files": ("config.json", "unet/model.safetensors"),
        "dtype": "float32",
        "vram_mb": 1,
        "licence": "MIT",
        "commercial": True,
        "kinds": (Kind.RESTYLE_ROOM,),
    }
    return Model.model_validate({**usual, **fields})
