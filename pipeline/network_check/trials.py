"""Trials of networks: one computation of each on a built-in portrait, with what published weights must answer."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np

from darkroom.contract.avatars import avatars
from darkroom.contract.params import Aspect
from pipeline.core.arrays import Rgb
from pipeline.core.networks import LoadedNetworks, Network
from pipeline.decoding.picture_decoder import decode_picture_here
from pipeline.imaging.codec import on_white
from pipeline.imaging.tiles import tile_spans, tiles
from pipeline.models.denoise_request import DenoiseRequest, InpaintDenoiseRequest, Sampler
from pipeline.models.network_registry import (
    ANIMATOR,
    ANIME_UPSCALER,
    CONTROLNETS,
    DEPTH_ESTIMATOR,
    DETECTOR,
    FACE_ANALYSER,
    FACE_SWAPPER,
    HOLE_FILLER,
    IMAGE_TEXT,
    PHOTO_UPSCALER,
    SAFETY,
    SD15_FEW_STEP_UNET,
    SD15_INPAINT_UNET,
    SD15_UNET,
    SDXL_FEW_STEP_UNET,
    SDXL_TEXT_ENCODERS,
    SDXL_UNET,
    SDXL_VAE_DECODER,
    SEGMENTER,
    STABLE_DIFFUSION,
    TRANSCRIBER,
)
from pipeline.models.text_to_image_request import SdxlCanvas, TextToImageRequest
from pipeline.speech.types import SAMPLE_RATE, Speech

AVATAR = "amara"
CANVAS = 256  # pixels of a side that Stable Diffusion computes
SDXL_SIDE = 512
TILE = 64  # pixels of a side that are enlarged
MIN_SPREAD = 1.0  # standard deviation of a picture, of 255, below which it shows nothing
CAPTIONS = ("a portrait of a person", "a photo of a kitchen", "a photo of a car")
SECONDS = 1


@dataclass(frozen=True)
class Answer:
    """Answer of a trial, in a few words. ``expected`` is False if published weights answer otherwise."""

    words: str
    expected: bool = True


@dataclass(frozen=True)
class Trial:
    """Computation with one network or with several that work together."""

    networks: tuple[Network[Any], ...]
    run: Callable[[LoadedNetworks, Rgb], Answer]


def portrait() -> Rgb:
    """Return the built-in portrait that every trial computes on: 512×512×3 uint8 sRGB."""
    # A copy, as torch warns of arrays that are read-only.
    return on_white(decode_picture_here(avatars()[AVATAR].path)).copy()


def _detect(networks: LoadedNetworks, photo: Rgb) -> Answer:
    labels = [each.label for each in networks[DETECTOR].detect(photo) if each.score >= 0.3]
    return Answer(f"found {', '.join(dict.fromkeys(labels)) or 'nothing'}", "person" in labels)


def _segment(networks: LoadedNetworks, photo: Rgb) -> Answer:
    height, width = photo.shape[:2]
    share = float((networks[SEGMENTER].segment(photo, [(0.0, 0.0, float(width), float(height))]) > 0).mean())
    return Answer(f"{share:.0%} of the picture is inside", 0.01 < share < 0.99)


def _classify(networks: LoadedNetworks, photo: Rgb) -> Answer:
    fits = networks[IMAGE_TEXT].probabilities(photo, CAPTIONS)
    return Answer(f"{fits.max():.0%} {CAPTIONS[int(fits.argmax())]}", fits.argmax() == 0)


def _estimate_depth(networks: LoadedNetworks, photo: Rgb) -> Answer:
    inverse = networks[DEPTH_ESTIMATOR].estimate(photo)
    # The face in the middle is nearer than the corners behind it.
    corners = float(inverse[:32, :32].mean() + inverse[:32, -32:].mean()) / 2
    middle = float(inverse[240:272, 240:272].mean())
    return Answer(f"the middle is {'nearer' if middle > corners else 'farther'} than the corners", middle > corners)


def _check_safety(networks: LoadedNetworks, photo: Rgb) -> Answer:
    unsafe = networks[SAFETY].unsafe(photo)
    return Answer("unsafe" if unsafe else "safe", not unsafe)


def _restyle(unet: Network[Any], sampler: Sampler) -> Trial:
    def run(networks: LoadedNetworks, photo: Rgb) -> Answer:
        small = cv2.resize(photo, (CANVAS, CANVAS), interpolation=cv2.INTER_AREA).astype(np.uint8)
        grey = small.mean(axis=2).astype(np.uint8)
        request = DenoiseRequest(
            prompt="a portrait",
            negative_prompt="",
            photo=small,
            depth=grey,
            edges=grey,
            keep_mask=None,
            sampler=sampler,
            steps=2,
            guidance=1.0,
            strength=1.0,
            seed=1,
            controlnet_scales=(0.8, 0.6),
        )
        return _picture(
            networks[STABLE_DIFFUSION].image_to_image(request, networks[unet], networks[CONTROLNETS], _ignore)
        )

    return Trial((STABLE_DIFFUSION, unet, CONTROLNETS), run)


def _inpaint(networks: LoadedNetworks, photo: Rgb) -> Answer:
    small = cv2.resize(photo, (CANVAS, CANVAS), interpolation=cv2.INTER_AREA).astype(np.uint8)
    request = InpaintDenoiseRequest("a hat", "", small, _hole(CANVAS), steps=2, guidance=1.0, seed=1)
    return _picture(networks[STABLE_DIFFUSION].inpaint(request, networks[SD15_INPAINT_UNET], _ignore))


def _draw(unet: Network[Any], steps: int) -> Trial:
    def run(networks: LoadedNetworks, _photo: Rgb) -> Answer:
        embeddings = networks[SDXL_TEXT_ENCODERS].encode("a red kite")
        canvas = SdxlCanvas.for_aspect(Aspect.SQUARE, SDXL_SIDE)
        latents = networks[unet].denoise(TextToImageRequest(canvas, steps, 0.0, 1), embeddings, None, _ignore)
        return _picture(networks[SDXL_VAE_DECODER].decode(latents))

    return Trial((SDXL_TEXT_ENCODERS, unet, SDXL_VAE_DECODER), run)


def _fill(networks: LoadedNetworks, photo: Rgb) -> Answer:
    return _picture(networks[HOLE_FILLER].fill(photo[:CANVAS, :CANVAS], _hole(CANVAS), lambda _fraction: None))


def _enlarge(upscaler: Network[Any]) -> Trial:
    def run(networks: LoadedNetworks, photo: Rgb) -> Answer:
        part = photo[200 : 200 + TILE, 200 : 200 + TILE]
        spans = tile_spans(TILE, 4 * TILE, TILE, 0, networks[upscaler].factor)
        (enlarged,) = networks[upscaler].upscale(list(tiles(part, spans, spans)), lambda _fraction: None)
        back = cv2.resize(enlarged, (TILE, TILE), interpolation=cv2.INTER_AREA)
        difference = float(np.abs(back - part).mean())
        return Answer(f"differs by {difference:.1f} of 255 when reduced again", difference < 8)

    return Trial((upscaler,), run)


def _swap_face(networks: LoadedNetworks, photo: Rgb) -> Answer:
    faces = networks[FACE_ANALYSER].analyse(photo)
    if not faces or faces[0].embedding is None:
        return Answer("no face was found, so none was swapped", expected=False)
    picture, _ = networks[FACE_SWAPPER].swap(photo, faces[0], faces[0].embedding)
    return _picture(picture, f"{len(faces)} face{'s' if len(faces) > 1 else ''} found; ")


def _transcribe(networks: LoadedNetworks, _photo: Rgb) -> Answer:
    at = np.arange(SECONDS * SAMPLE_RATE)
    hum = (0.5 * np.sin(at / 30) * np.sin(at / 9000)).astype(np.float32)
    transcript = networks[TRANSCRIBER].transcribe(hum, "en-US", lambda _fraction: None)
    return Answer(f"heard {len(transcript.words)} words in a hum", len(transcript.words) < 10)


def _animate(networks: LoadedNetworks, photo: Rgb) -> Answer:
    speech = Speech(np.full(SECONDS * SAMPLE_RATE, 0.1, np.float32), ())
    with TemporaryDirectory(prefix="network-check-") as name:
        path = Path(name) / "clip.mp4"
        networks[ANIMATOR].animate(photo, speech, path, Path(name), lambda _fraction: None)
        return Answer(f"made a video of {path.stat().st_size / 1000:.0f} kB", path.stat().st_size > 0)


def _picture(picture: Rgb, prefix: str = "") -> Answer:
    """Judge a picture by its spread: black, grey and white ones show nothing."""
    spread = float(picture.std())
    return Answer(f"{prefix}{picture.shape[1]}×{picture.shape[0]} pixels, spread {spread:.0f}", spread > MIN_SPREAD)


def _hole(side: int) -> Any:
    hole = np.zeros((side, side), np.bool_)
    hole[side // 4 : side // 2, side // 4 : side // 2] = True
    return hole


def _ignore(_done: int, _total: int, _make_progress_image: Callable[[], Rgb]) -> None:
    """Ignore a denoising step."""


TRIALS = (
    Trial((DETECTOR,), _detect),
    Trial((SEGMENTER,), _segment),
    Trial((IMAGE_TEXT,), _classify),
    Trial((DEPTH_ESTIMATOR,), _estimate_depth),
    Trial((SAFETY,), _check_safety),
    _restyle(SD15_UNET, Sampler.DPM),
    _restyle(SD15_FEW_STEP_UNET, Sampler.LCM),
    Trial((STABLE_DIFFUSION, SD15_INPAINT_UNET), _inpaint),
    Trial((HOLE_FILLER,), _fill),
    _draw(SDXL_UNET, 2),
    _draw(SDXL_FEW_STEP_UNET, 4),
    _enlarge(PHOTO_UPSCALER),
    _enlarge(ANIME_UPSCALER),
    Trial((FACE_ANALYSER, FACE_SWAPPER), _swap_face),
    Trial((TRANSCRIBER,), _transcribe),
    Trial((ANIMATOR,), _animate),
)
