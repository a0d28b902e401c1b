"""``generate`` on the models engine: the effect of the params."""

import cv2
import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from hypothesis import given
from hypothesis import strategies as st
from transformers import CLIPTextModel, CLIPTextModelWithProjection

from bench.random_weights import Scale, sdxl
from bench.random_weights.diffusion import text_encoder_config
from darkroom.contract.params import Aspect, Profile
from pipeline.models.network_registry import SDXL_FEW_STEP_UNET, SDXL_TEXT_ENCODERS, SDXL_VAE_DECODER
from pipeline.models.offload.device import Placement
from pipeline.models.offload.manager import ModelManager
from pipeline.models.text_to_image_request import TRAINED, SdxlCanvas, TextToImageRequest
from pipeline.weights.store import WeightStore
from tests.pipeline.models.workflows.generate.conftest import NETWORKS, SIDE
from tests.pipeline.models.workflows.generate.reporter import Reporter


def pixels(data):
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).astype(int)


def test_fast_takes_four_steps_without_guidance_and_quality_thirty_with(generate, calls):
    generate()
    assert [inputs[0].shape[0] for inputs, _ in calls["few"]] == [1] * 4
    assert not calls["unet"]
    generate(profile=Profile.QUALITY)
    # Both halves of classifier-free guidance go through at once.
    assert [inputs[0].shape[0] for inputs, _ in calls["unet"]] == [2] * 30
    assert len(calls["few"]) == 4


def test_lightning_starts_at_the_last_timestep(generate, calls):
    generate()
    assert [int(inputs[1]) for inputs, _ in calls["few"]] == [999, 749, 499, 249]


@pytest.mark.parametrize("aspect", list(Aspect))
def test_a_picture_has_the_requested_aspect(generate, aspect):
    result, _ = generate(aspect=aspect)
    width, height = TRAINED[aspect]
    assert [(picture.width, picture.height) for picture in result.files] == [(width // 8, height // 8)] * 2
    across, down = map(int, aspect.value.split(":"))
    assert width / height == pytest.approx(across / down, rel=0.07)


@pytest.mark.parametrize("aspect", list(Aspect))
@pytest.mark.parametrize("long_side", [768, 1024])
def test_devices_with_enough_memory_use_the_trained_sizes(aspect, long_side):
    canvas = SdxlCanvas.for_aspect(aspect, long_side)
    assert (canvas.width, canvas.height) == TRAINED[aspect]
    assert 0.9 < canvas.width * canvas.height / 2**20 <= 1
    assert canvas.width % 64 == canvas.height % 64 == 0


@given(st.sampled_from(Aspect), st.integers(8, 95).map(lambda side: 8 * side))
def test_smaller_devices_scale_the_canvas_on_the_latent_grid(aspect, long_side):
    canvas = SdxlCanvas.for_aspect(aspect, long_side)
    for each in (canvas, canvas.halved(), canvas.halved().halved()):
        assert each.width % 8 == each.height % 8 == 0
        assert min(each.width, each.height) >= 64
    assert max(canvas.width, canvas.height) <= max(1.5 * long_side + 8, 64)


def test_the_size_conditioning_is_the_trained_size(generate, calls):
    generate(aspect=Aspect.WIDE)
    (_, options) = calls["few"][0]
    assert options["added_cond_kwargs"]["time_ids"].tolist() == [[768, 1344, 0, 0, 768, 1344]]


@pytest.mark.parametrize("profile", list(Profile))
def test_equal_seeds_give_equal_bytes_and_different_seeds_different_ones(generate, profile):
    result, first = generate(seed=5, profile=profile, format="png")
    assert result.seed == 5
    assert generate(seed=5, profile=profile, format="png")[1] == first
    other = generate(seed=6, profile=profile, format="png")[1]
    assert np.abs(pixels(first["result"]) - pixels(other["result"])).mean() > 1


def test_several_pictures_use_consecutive_seeds(generate, calls):
    result, pictures = generate(count=4, seed=2**32 - 2, format="png")
    assert [picture.name for picture in result.files] == [
        *("result", "thumbnail", "result-2", "thumbnail-2"),
        *("result-3", "thumbnail-3", "result-4", "thumbnail-4"),
    ]
    assert result.seed == 2**32 - 2
    # One after the other, and the words are read once.
    assert [inputs[0].shape[0] for inputs, _ in calls["few"]] == [1] * 16
    assert len(calls["first"]) == len(calls["second"]) == 1
    assert pictures["result-2"] == generate(seed=2**32 - 1, format="png")[1]["result"]
    assert pictures["result-3"] == generate(seed=0, format="png")[1]["result"]


def test_prompt_and_style_reach_both_text_encoders(generate, calls, networks):
    generate(prompt="a  green\nkite", style="clay")
    for name, tokenizer in zip(("first", "second"), networks[SDXL_TEXT_ENCODERS]._tokenizers, strict=True):
        ((inputs, _),) = calls[name]
        text = tokenizer.decode(inputs[0][0], skip_special_tokens=True)
        assert text.replace(" ", "").startswith("claymationstyleagreenkite,handmade")
    assert len({generate(style=style)[1]["result"] for style in (None, "clay", "neon")}) == 3


def test_the_negative_prompt_has_an_effect_with_quality(generate):
    def with_quality(**params):
        return generate(profile=Profile.QUALITY, format="png", **params)[1]["result"]

    # The style's own unwanted words are among those.
    plain, styled = with_quality(), with_quality(style="photo")
    assert len({plain, styled, with_quality(negative_prompt="blue"), with_quality(negative_prompt="sea")}) == 4


def test_truncated_prompts_add_notes(generate):
    result, _ = generate(prompt="a " * 80 + "blue rug")
    assert [note for note in result.notes if note.startswith("The prompt is too long") and "blue rug" in note]
    result, _ = generate(profile=Profile.QUALITY, negative_prompt="a " * 80 + "blue rug")
    assert [note for note in result.notes if note.startswith("The negative prompt is too long") and "blue rug" in note]
    assert not generate()[0].notes


def test_every_step_is_reported_and_a_few_have_progress_images(generate):
    reporter = Reporter()
    generate(reporter, count=2, aspect=Aspect.PANORAMA)
    drawing_messages = [message for message in reporter.messages if message.startswith("Drawing:")]
    assert drawing_messages == [
        f"Drawing: picture {picture} of 2, step {step} of 4" for picture in (1, 2) for step in (1, 2, 3, 4)
    ]
    assert reporter.progress == sorted(reporter.progress)
    assert 2 <= len(reporter.progress_images) <= 5
    assert {(image.shape, image.dtype.name) for image in reporter.progress_images} == {((107, 256, 3), "uint8")}


def test_only_the_used_models_are_listed(generate):
    always = {"sdxl-base", "sdxl-vae-fp16-fix", "safety-checker"}
    assert {model.id for model in generate()[0].models} == always | {"sdxl-lightning"}
    assert {model.id for model in generate(profile=Profile.QUALITY)[0].models} == always | {"sdxl-unet"}


def test_full_size_configurations_match_the_published_files():
    """Compare sizes: two bytes per parameter in half precision, four in the decoder's file, and a small header."""
    config = sdxl.unet_config(Scale.FULL)
    with torch.device("meta"):
        networks = {
            5_135_149_760: (UNet2DConditionModel(**config), 2),
            246_144_152: (CLIPTextModel(text_encoder_config(Scale.FULL)), 2),
            1_389_382_176: (CLIPTextModelWithProjection(sdxl.second_text_encoder_config(Scale.FULL)), 2),
            334_643_238: (AutoencoderKL(**sdxl.decoder_config(Scale.FULL)), 4),
        }
    for published, (network, width) in networks.items():
        parameters = sum(parameter.numel() for parameter in network.parameters())
        assert 0 < published - width * parameters < 300_000


def test_half_precision_gives_nearly_the_same_picture(tiny_weights, networks):
    placement = Placement(torch.device("cpu"), torch.float16, torch.channels_last)
    drawing_messages = TextToImageRequest(SdxlCanvas.for_aspect(Aspect.SQUARE, SIDE), 4, 0.0, 3)

    def decoded(networks):
        words = networks[SDXL_TEXT_ENCODERS].encode("a kite")
        return networks[SDXL_VAE_DECODER].decode(
            networks[SDXL_FEW_STEP_UNET].denoise(drawing_messages, words, None, lambda *_: None)
        )

    with ModelManager(WeightStore(tiny_weights), placement).use(*NETWORKS) as half:
        assert np.abs(decoded(half).astype(int) - decoded(networks)).mean() < 2
