"""Denoise requests, and the mean difference of two pictures."""

from dataclasses import replace

import numpy as np

from pipeline.models.denoise_request import DenoiseRequest, Sampler

HEIGHT, WIDTH = 64, 96
SIDE = 128
rng = np.random.default_rng(5)
DEPTH_PICTURE = rng.integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)
EDGE_PICTURE = np.where(rng.random((HEIGHT, WIDTH)) > 0.9, 255, 0).astype(np.uint8)
FAST = DenoiseRequest(
    prompt="a room",
    negative_prompt="a dog",
    photo=rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8),
    depth=DEPTH_PICTURE,
    edges=EDGE_PICTURE,
    keep_mask=None,
    sampler=Sampler.LCM,
    steps=4,
    guidance=1.0,
    strength=1.0,
    seed=1,
    controlnet_scales=(0.8, 0.6),
)
QUALITY = replace(FAST, sampler=Sampler.DPM, steps=3, guidance=7.5)


def mean_difference(one, other):
    return np.abs(one.astype(int) - other).mean()
