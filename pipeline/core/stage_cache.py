"""Stage cache: keeps stage outputs in memory for later jobs with the same photo.

An output's cache key is a digest of the stage, its params, its networks and the cache keys of its required artifacts.
The first keys are the SHA-256 of the uploaded files.
"""

import hashlib
import json
import sys
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel

from darkroom.contract.results import ModelUsed
from pipeline.core.stages import Stage, StageContext

DEFAULT_BUDGET = 512 * 1024 * 1024


@dataclass(frozen=True)
class StageOutput:
    """Output of one run of a stage: its artifacts' values by name, its notes, and the models it used."""

    values: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    models: tuple[ModelUsed, ...] = ()


class StageCache:
    """LRU cache of stage outputs, limited to ``budget`` bytes. Thread-safe.

    Jobs share cached outputs, so their arrays are made read-only.
    """

    def __init__(self, budget: int = DEFAULT_BUDGET) -> None:
        self._budget = budget
        self._outputs: OrderedDict[str, tuple[StageOutput, int]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: str) -> StageOutput | None:
        """Return the output cached under ``key``, or None."""
        with self._lock:
            if key not in self._outputs:
                return None
            self._outputs.move_to_end(key)
            return self._outputs[key][0]

    def put(self, key: str, output: StageOutput) -> None:
        """Cache ``output`` and evict the least recently used ones. An output over the budget is not cached."""
        size = _freeze(output.values)
        if size > self._budget:
            return
        with self._lock:
            self._bytes -= self._outputs.pop(key, (output, 0))[1]
            self._outputs[key] = output, size
            self._bytes += size
            while self._bytes > self._budget:
                self._bytes -= self._outputs.popitem(last=False)[1][1]


class CacheKeys:
    """Cache keys of one job's stage outputs, derived from stage to stage."""

    def __init__(self, context: StageContext) -> None:
        self._context = context
        self._keys: dict[str, str | None] = {}
        self._file_digests: dict[str, str] | None = None

    def key_for(self, stage: Stage) -> str | None:
        """Return the cache key of ``stage``'s output; None if it, or what it requires, declares no dependencies."""
        key = self._compute_key(stage)
        self._keys |= {artifact.name: key and f"{key}/{artifact.name}" for artifact in stage.provides}
        return key

    def _compute_key(self, stage: Stage) -> str | None:
        sources = [self._keys.get(artifact.name) for artifact in stage.requires]
        if stage.depends_on_params is None or None in sources:
            return None
        context, models = self._context, self._context.network_provider
        unknown = set(stage.depends_on_params) - set(type(context.params).model_fields)
        if unknown:
            raise LookupError(f"stage {stage.name!r} depends on {', '.join(sorted(unknown))}, which is no param")
        key_parts = {
            "stage": [type(stage).__module__, type(stage).__qualname__, stage.name],
            "params": context.params.model_dump(mode="json", include=set(stage.depends_on_params)),
            "sources": sources,
            "files": {} if stage.requires else self._hash_files(),
            "networks": models.digest(stage.networks) if models and stage.networks else None,
            # Stages without networks depend on it, too: edges are detected at the networks' working size.
            "long_side": models.long_side if models else None,
        }
        return hashlib.sha256(json.dumps(key_parts, sort_keys=True).encode()).hexdigest()

    def _hash_files(self) -> dict[str, str]:
        if self._file_digests is None:
            self._file_digests = {}
            for role, path in self._context.files.items():
                with path.open("rb") as file:
                    self._file_digests[role] = hashlib.file_digest(file, "sha256").hexdigest()
        return self._file_digests


def _freeze(values: Any) -> int:
    """Make every array within ``values`` read-only. Return their size in bytes, with each object counted once."""
    total = 0
    seen: set[int] = set()
    for value in _walk(values, seen):
        total += sys.getsizeof(value)
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
            owner: Any = value
            while isinstance(owner, np.ndarray) and owner.base is not None:
                owner = owner.base
            if owner is not value and id(owner) not in seen:
                # A view keeps its whole base array alive.
                seen.add(id(owner))
                total += owner.nbytes if isinstance(owner, np.ndarray) else value.nbytes
    return total


def _walk(value: Any, seen: set[int]) -> Iterator[Any]:
    if id(value) in seen:
        return
    seen.add(id(value))
    yield value
    parts: Iterable[Any] = ()
    if isinstance(value, Mapping):
        parts = (*value.keys(), *value.values())
    elif isinstance(value, (tuple, list, set, frozenset)):
        parts = value
    elif isinstance(value, BaseModel) or hasattr(value, "__dict__"):
        parts = vars(value).values()
    for part in parts:
        yield from _walk(part, seen)
