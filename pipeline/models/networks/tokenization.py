"""Tokenization for CLIP's text encoders, which read at most 75 tokens."""

from typing import Any

import torch


def token_ids(tokenizer: Any, text: str) -> torch.Tensor:
    """Tokenize a text: 1×77 integers with start and end token, truncated or padded."""
    encoded = tokenizer(
        text, padding="max_length", max_length=tokenizer.model_max_length, truncation=True, return_tensors="pt"
    )
    tokens: torch.Tensor = encoded["input_ids"]
    return tokens


def truncated_tail(tokenizer: Any, text: str) -> str:
    """Return the end of a text beyond the 75 tokens; an empty string if nothing is cut off."""
    tokens = tokenizer(text, truncation=False, verbose=False)["input_ids"]
    # The last position is the end token's.
    tail: str = tokenizer.decode(tokens[tokenizer.model_max_length - 1 : -1])
    return tail
