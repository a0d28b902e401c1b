"""Prompts as CLIP's text encoders take them: 75 tokens and no more."""

from typing import Any

import torch


def token_ids(tokenizer: Any, text: str) -> torch.Tensor:
    """1×77 integers: the text's tokens between the two at its ends, cut off or filled up to that length."""
    told = tokenizer(
        text, padding="max_length", max_length=tokenizer.model_max_length, truncation=True, return_tensors="pt"
    )
    tokens: torch.Tensor = told["input_ids"]
    return tokens


def truncated_tail(tokenizer: Any, text: str) -> str:
    """The end of a text that is beyond the 75 tokens; empty when there is none."""
    tokens = tokenizer(text, truncation=False, verbose=False)["input_ids"]
    # What is left of the last place is the end marker's.
    beyond: str = tokenizer.decode(tokens[tokenizer.model_max_length - 1 : -1])
    return beyond
