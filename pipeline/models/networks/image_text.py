"""CLIP through transformers, for zero-shot classification and caption similarity."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from transformers import CLIPImageProcessor, CLIPModel, CLIPTokenizer

from pipeline.core.arrays import Rgb
from pipeline.models.arrays import Floats
from pipeline.models.letterbox import resized
from pipeline.models.networks.pretrained import load_pretrained
from pipeline.models.offload.device import Placement
from pipeline.models.offload.runtimes import TorchNetwork
from pipeline.weights.store import Weights

MAX_SQUARE_RATIO = 1.25  # ratio of the sides up to which one central square represents the photo
MAX_SQUARES = 8
MAX_CACHED_CAPTIONS = 32  # sets of captions whose embeddings are cached


class Clip(TorchNetwork):
    """Implements ``ImageText`` with CLIP (Radford et al., Learning Transferable Visual Models, 2021)."""

    def __init__(self, placement: Placement, model: Any, processor: Any, tokenizer: Any) -> None:
        super().__init__(placement, model)
        self._processor = processor
        self._tokenizer = tokenizer
        self._scale = float(model.logit_scale.float().exp())
        self._captions: dict[tuple[str, ...], Floats] = {}

    def probabilities(self, photo: Rgb, captions: Sequence[str]) -> Floats:
        """Compute the probability of each of N captions: softmax of the similarities, N float32 that add up to 1."""
        logits = self._scale * self.similarities(photo, captions)
        weights = np.exp(logits - logits.max())
        normalized: Floats = weights / weights.sum()
        return normalized

    @torch.inference_mode()
    def similarities(self, photo: Rgb, captions: Sequence[str]) -> Floats:
        """Compute the cosine similarity of the picture with each of N captions: N float32 in [-1, 1].

        A long picture is split into overlapping squares, whose embeddings are averaged. Raises
        ``FloatingPointError`` if an embedding is not finite.
        """
        side = self._processor.crop_size["height"]
        pixels = self._processor(images=squares(photo, 2 * side), return_tensors="pt")["pixel_values"]
        (views,) = self.finite(lambda: (self._picture_embeddings(pixels),))
        picture = _normalized(views.mean(dim=0, keepdim=True))[0].cpu().numpy()
        cosines: Floats = np.clip(self._embeddings(tuple(captions)) @ picture, -1, 1)
        return cosines

    def _embeddings(self, captions: tuple[str, ...]) -> Floats:
        if captions not in self._captions:
            tokens = self._tokenizer(list(captions), padding=True, truncation=True, max_length=77, return_tensors="pt")
            (embeddings,) = self.finite(lambda: (self._text_embeddings(tokens),))
            while len(self._captions) >= MAX_CACHED_CAPTIONS:
                del self._captions[next(iter(self._captions))]
            self._captions[captions] = embeddings.cpu().numpy()
        return self._captions[captions]

    def _picture_embeddings(self, pixels: torch.Tensor) -> torch.Tensor:
        model: Any = self._modules[0]
        pooled = model.vision_model(pixel_values=pixels.to(self.device, self.dtype)).pooler_output
        return _normalized(model.visual_projection(pooled).float())

    def _text_embeddings(self, tokens: Any) -> torch.Tensor:
        model: Any = self._modules[0]
        pooled = model.text_model(
            input_ids=tokens["input_ids"].to(self.device), attention_mask=tokens["attention_mask"].to(self.device)
        ).pooler_output
        return _normalized(model.text_projection(pooled).float())


def load(weights: Mapping[str, Weights], placement: Placement) -> Clip:
    """Load the role ``image_text`` into host memory."""
    folder = weights["image_text"].folder
    model = load_pretrained(CLIPModel, weights["image_text"])
    processor = CLIPImageProcessor.from_pretrained(folder, local_files_only=True)
    return Clip(placement, model, processor, CLIPTokenizer.from_pretrained(folder, local_files_only=True))


def squares(photo: Rgb, largest: int) -> list[Rgb]:
    """Split H×W×3 into squares of its shorter side, reduced to at most ``largest`` pixels.

    A nearly square photo gives one central square, others as many as cover it, but at most eight; longer strips have
    gaps between the squares.
    """
    shrink = min(largest / min(photo.shape[:2]), 1)
    height, width = (max(round(side * shrink), 1) for side in photo.shape[:2])
    small = resized(photo, height, width)
    short, long = min(height, width), max(height, width)
    count = 1 if long <= MAX_SQUARE_RATIO * short else min(-(-long // short), MAX_SQUARES)
    starts = [(long - short) // 2] if count == 1 else [round((long - short) * i / (count - 1)) for i in range(count)]
    return [
        small[:, offset : offset + short] if width >= height else small[offset : offset + short] for offset in starts
    ]


def _normalized(vectors: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(vectors, dim=-1)
