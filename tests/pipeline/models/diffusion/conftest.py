"""Fixtures: the diffusion networks with tiny weights."""

from contextlib import ExitStack

import pytest

from pipeline.models.denoise_request import Sampler
from pipeline.models.network_registry import CONTROLNETS, SAFETY, SD15_FEW_STEP_UNET, SD15_UNET, STABLE_DIFFUSION
from pipeline.weights.store import WeightStore
from tests.pipeline.models.diffusion.denoise_requests import SIDE


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
        yield stack.enter_context(models.use(STABLE_DIFFUSION, SD15_UNET, SD15_FEW_STEP_UNET, CONTROLNETS, SAFETY))


@pytest.fixture
def generate(networks):
    def generate(request, on_step=lambda *_: None):
        unet = networks[SD15_FEW_STEP_UNET] if request.sampler is Sampler.LCM else networks[SD15_UNET]
        return networks[STABLE_DIFFUSION].image_to_image(request, unet, networks[CONTROLNETS], on_step)

    return generate


@pytest.fixture
def calls(networks, monkeypatch):
    """Count the forward passes of each module."""
    counts = dict.fromkeys(("unet", "controls", "encode", "words"), 0)
    with ExitStack() as stack:

        def count(name, module):
            def hook(*_):
                counts[name] += 1

            stack.callback(module.register_forward_pre_hook(hook).remove)

        for network in (SD15_UNET, SD15_FEW_STEP_UNET):
            count("unet", networks[network].unet)
        for controlnet in networks[CONTROLNETS].controlnets.nets:
            count("controls", controlnet.controlnet_cond_embedding.embedding)
        count("encode", networks[STABLE_DIFFUSION]._vae.encoder)
        count("words", networks[STABLE_DIFFUSION]._text_encoder)
        yield counts
