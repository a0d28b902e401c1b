"""The networks that paint, with tiny weights."""

from contextlib import ExitStack

import pytest
import torch

from pipeline.models.denoise_request import Sampler
from pipeline.models.network_registry import CONTROLNETS, SAFETY, SD15_FEW_STEP_UNET, SD15_UNET, STABLE_DIFFUSION
from pipeline.models.offload.device import Placement
from pipeline.models.offload.manager import ModelManager
from pipeline.weights.store import WeightStore
from tests.pipeline.models.diffusion.denoise_requests import SIDE

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def models(tiny_weights):
    return ModelManager(WeightStore(tiny_weights), Placement.for_device("cpu"), long_side=SIDE)


@pytest.fixture(scope="module")
def held(models):
    with ExitStack() as stack:
        yield stack.enter_context(models.use(STABLE_DIFFUSION, SD15_UNET, SD15_FEW_STEP_UNET, CONTROLNETS, SAFETY))


@pytest.fixture
def paint(held):
    def paint(order, on_step=lambda *_: None):
        unet = held[SD15_FEW_STEP_UNET] if order.sampler is Sampler.LCM else held[SD15_UNET]
        return held[STABLE_DIFFUSION].image_to_image(order, unet, held[CONTROLNETS], on_step)

    return paint


@pytest.fixture
def calls(held, monkeypatch):
    """How often each part computed."""
    counts = dict.fromkeys(("unet", "controls", "encode", "words"), 0)
    with ExitStack() as stack:

        def count(name, module):
            def hook(*_):
                counts[name] += 1

            stack.callback(module.register_forward_pre_hook(hook).remove)

        for network in (SD15_UNET, SD15_FEW_STEP_UNET):
            count("unet", held[network].unet)
        for controlnet in held[CONTROLNETS].controlnets.nets:
            count("controls", controlnet.controlnet_cond_embedding.embedding)
        count("encode", held[STABLE_DIFFUSION]._vae.encoder)
        count("words", held[STABLE_DIFFUSION]._text_encoder)
        yield counts
