"""``generate`` on the models engine with tiny weights."""

from contextlib import ExitStack

import pytest

from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from darkroom.contract.params import GenerateParams
from pipeline.core.runner import Runner
from pipeline.core.stages import StageContext
from pipeline.models.network_registry import SAFETY, SDXL_FEW_STEP_UNET, SDXL_TEXT_ENCODERS, SDXL_UNET, SDXL_VAE_DECODER
from pipeline.plans import get_plan
from pipeline.weights.store import WeightStore
from tests.pipeline.models.workflows.generate.reporter import Reporter

SIDE = 128
NETWORKS = (SDXL_TEXT_ENCODERS, SDXL_UNET, SDXL_FEW_STEP_UNET, SDXL_VAE_DECODER, SAFETY)


@pytest.fixture(scope="module")
def models(tiny_weights):
    import torch  # noqa: PLC0415 - a conftest that needs the models engine would abort pytest without it

    from pipeline.models.offload.device import Placement  # noqa: PLC0415
    from pipeline.models.offload.manager import ModelManager  # noqa: PLC0415

    torch.set_num_threads(1)
    return ModelManager(WeightStore(tiny_weights), Placement.for_device("cpu"), long_side=SIDE)


@pytest.fixture(scope="module")
def networks(models):
    with ExitStack() as stack:
        yield stack.enter_context(models.use(*NETWORKS))


@pytest.fixture
def calls(networks):
    """The inputs of every forward of each part."""
    seen = {"few": [], "unet": [], "first": [], "second": [], "decoder": []}
    parts = {
        "few": networks[SDXL_FEW_STEP_UNET].unet,
        "unet": networks[SDXL_UNET].unet,
        "first": networks[SDXL_TEXT_ENCODERS]._encoders[0],
        "second": networks[SDXL_TEXT_ENCODERS]._encoders[1],
        "decoder": networks[SDXL_VAE_DECODER]._vae.decoder,
    }
    networks[SDXL_TEXT_ENCODERS]._cache.clear()
    with ExitStack() as stack:
        for name, module in parts.items():

            def hook(_module, inputs, options, name=name):
                seen[name].append((inputs, options))

            stack.callback(module.register_forward_pre_hook(hook, with_kwargs=True).remove)
        yield seen


@pytest.fixture
def generate(models, tmp_path):
    """Run the whole plan; return its result, and its pictures' bytes by name."""
    runs = iter(range(100))

    def generate(reporter=None, **params):
        folder = tmp_path / str(next(runs))
        folder.mkdir()
        context = StageContext(
            GenerateParams(**{"prompt": "a red kite", **params}), {}, folder, network_provider=models
        )
        result = Runner().run(get_plan(Kind.GENERATE, Engine.MODELS), context, reporter or Reporter())
        return result, {picture.name: picture.path.read_bytes() for picture in result.files}

    return generate
