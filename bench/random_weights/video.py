"""Random weights of the transcription network, and placeholder files of the animation networks.

The placeholders are never read: the stub of Ditto's program needs no network.
"""

import json
import stat
import sys
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from ctranslate2.converters import TransformersConverter
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import WhisperConfig, WhisperForConditionalGeneration

from bench.random_weights import Scale, Writer
from pipeline.weights.catalog import Model
from pipeline.weights.programs import INTERPRETER

LANGUAGES = 99
TIMES = 1501  # timestamp tokens, from 0 to 30 seconds in steps of a fiftieth
FULL_WORDS = 51_865  # size of the multilingual vocabulary with its special tokens
# The likeliest other tokens' logits are about 0.5. From 0.45 on, a tiny network in 8 bits ends
# before its first word on some processors (seen on one with AVX2 alone); by 0.2 to 0.4 it says words, also in 32 bits.
END_LOGIT = {Scale.FULL: 0.5, Scale.TINY: 0.3}
STUB_ANIMATOR = Path(__file__).with_name("stub_animator.py")


def whisper_config(scale: Scale, tokenizer: Tokenizer) -> WhisperConfig:
    """Return the configuration of ``WhisperForConditionalGeneration``: Whisper small."""
    full = scale is Scale.FULL
    width, layers, heads = (768, 12, 12) if full else (16, 1, 2)
    end, begin = _token_id(tokenizer, "<|endoftext|>"), _token_id(tokenizer, "<|startoftranscript|>")
    return WhisperConfig(
        vocab_size=tokenizer.get_vocab_size(),
        d_model=width,
        encoder_layers=layers,
        decoder_layers=layers,
        encoder_attention_heads=heads,
        decoder_attention_heads=heads,
        encoder_ffn_dim=4 * width,
        decoder_ffn_dim=4 * width,
        bos_token_id=end,
        eos_token_id=end,
        pad_token_id=end,
        decoder_start_token_id=begin,
        suppress_tokens=[],
        begin_suppress_tokens=[],
    )


def whisper_tokenizer(scale: Scale) -> Tokenizer:
    """Build a tokenizer of bytes, meaningless words up to the full number, and Whisper's special tokens."""
    codes = import_module("faster_whisper.tokenizer")._LANGUAGE_CODES[:LANGUAGES]
    special = ["<|endoftext|>", "<|startoftranscript|>", *(f"<|{code}|>" for code in codes)]
    special += [f"<|{name}|>" for name in ("translate", "transcribe", "startoflm", "startofprev", "nospeech")]
    special += ["<|notimestamps|>", *(f"<|{index * 0.02:.2f}|>" for index in range(TIMES))]
    words = sorted(pre_tokenizers.ByteLevel.alphabet())
    if scale is Scale.FULL:
        words += [f"Ġword{index}" for index in range(FULL_WORDS - len(words) - len(special))]
    tokenizer = Tokenizer(models.BPE(vocab={word: index for index, word in enumerate(words)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(special)
    return tokenizer


def _write_transcriber(folder: Path, model: Model, scale: Scale) -> None:
    torch.manual_seed(0)
    tokenizer = whisper_tokenizer(scale)
    with TemporaryDirectory() as name:
        source, target = Path(name) / "source", Path(name) / "target"
        network = WhisperForConditionalGeneration(whisper_config(scale, tokenizer))
        _bias_towards_end(network, _token_id(tokenizer, "<|endoftext|>"), END_LOGIT[scale])
        network.save_pretrained(source)
        tokenizer.save(str(source / "tokenizer.json"))
        tokenizer_config = {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "<|endoftext|>"}
        (source / "tokenizer_config.json").write_text(json.dumps(tokenizer_config), "utf-8")
        (source / "preprocessor_config.json").write_text('{"feature_extractor_type": "WhisperFeatureExtractor"}\n')
        converter = TransformersConverter(str(source), copy_files=["tokenizer.json"])
        converter.convert(str(target), quantization=model.dtype)
        for file in ("model.bin", "tokenizer.json"):
            (folder / file).write_bytes((target / file).read_bytes())
        words = json.loads((target / "vocabulary.json").read_text("utf-8"))
        config = json.loads((target / "config.json").read_text("utf-8"))
    # In the format of the repository, which an older converter wrote.
    (folder / "vocabulary.txt").write_text("\n".join(words) + "\n", "utf-8")
    first = _token_id(tokenizer, "<|startoftranscript|>") + 1
    config["lang_ids"] = list(range(first, first + LANGUAGES))
    (folder / "config.json").write_text(json.dumps(config), "utf-8")


def _token_id(tokenizer: Tokenizer, token: str) -> int:
    found = tokenizer.token_to_id(token)
    if found is None:
        raise LookupError(f"the tokenizer has no token {token}")
    return found


def _bias_towards_end(network: Any, end: int, logit: float) -> None:
    """Bias the network towards the end token; with random weights alone, decoding runs to the length limit."""
    with torch.no_grad():
        bias = network.model.decoder.layer_norm.bias
        torch.nn.init.normal_(bias)
        network.model.decoder.embed_tokens.weight[end] = bias * logit / bias.square().sum()


def _write_animator(folder: Path, model: Model, scale: Scale) -> None:
    """Write the placeholders and, at the default ``DARKROOM_PROGRAMS``, a stub of the program.

    There is no full-size version, because the architecture is not reimplemented here.
    """
    del scale
    for file in model.files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(b"stand-in")
    write_stub_program(folder.parent / "programs" / model.id, model)


def write_stub_program(checkout: Path, model: Model) -> None:
    """Write a folder that looks like the program's checkout at its commit, and runs ``stub_animator.py``."""
    assert model.program is not None
    interpreter = checkout / INTERPRETER
    interpreter.parent.mkdir(parents=True, exist_ok=True)
    interpreter.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', "utf-8")
    interpreter.chmod(interpreter.stat().st_mode | stat.S_IXUSR)
    (checkout / ".git").mkdir(exist_ok=True)
    (checkout / ".git" / "HEAD").write_text(f"{model.program.commit}\n", "utf-8")
    (checkout / model.program.file).write_bytes(STUB_ANIMATOR.read_bytes())


WRITERS: dict[str, Writer] = {"transcriber": _write_transcriber, "animator": _write_animator}
