"""Load errors: refusals of weight files that do not hold a network's tensors, all of them and nothing else."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from safetensors import SafetensorError
from torch import Tensor, nn

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.core.out_of_memory import is_out_of_memory
from pipeline.weights.store import Weights

# What diffusers and transformers raise for a file that is not theirs.
UNREADABLE = (OSError, ValueError, RuntimeError, LookupError, TypeError, SafetensorError)
NAMED_TENSORS = 3  # tensors of each sort that a message names


def load_error(weights: Weights, file: str, why: str) -> DarkroomError:
    """Build the error (``engine_unavailable``) for ``file``, a path in the model's folder, with its remedy."""
    return DarkroomError(
        ErrorCode.ENGINE_UNAVAILABLE,
        f"{weights.model.id}/{file} was not loaded: {why}. `darkroom models fetch {weights.model.id}` gets it anew.",
    )


@contextmanager
def refuse(weights: Weights, file: str, why: str, *kinds: type[Exception]) -> Iterator[None]:
    """Context manager that raises ``load_error`` for errors of ``kinds``. Running out of memory is raised as it is."""
    try:
        yield
    except kinds as error:
        if is_out_of_memory(error):
            raise
        raise load_error(weights, file, why) from error


def check_tensors(
    weights: Weights,
    file: str,
    *,
    missing: Iterable[str] = (),
    unexpected: Iterable[str] = (),
    mismatched: Iterable[str] = (),
) -> None:
    """Check that the tensors of ``file`` are those of its network.

    Libraries only log differences, and the network then computes with random numbers. Raises ``DarkroomError``
    (``engine_unavailable``) naming the first tensors that are ``missing``, that are ``unexpected``, or whose shapes are
    ``mismatched``.
    """
    if differences := _differences(missing, unexpected, mismatched):
        raise load_error(weights, file, differences)


def check_state(weights: Weights, file: str, network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Check the tensors of ``file``, read into ``state``, against those of ``network``: see ``check_tensors``."""
    if differences := state_differences(network, state):
        raise load_error(weights, file, differences)


def state_differences(network: nn.Module, state: Mapping[str, Tensor]) -> str:
    """Return how the tensors of ``state`` differ from the network's, as text; an empty string if they do not."""
    wanted = network.state_dict()
    return _differences(
        missing=wanted.keys() - state.keys(),
        unexpected=state.keys() - wanted.keys(),
        mismatched=(
            shape_difference(name, state[name].shape, wanted[name].shape)
            for name in wanted.keys() & state.keys()
            if state[name].shape != wanted[name].shape
        ),
    )


def shape_difference(name: str, found: Iterable[int], wanted: Iterable[int]) -> str:
    """Return a tensor's name with its shapes in the file and in the network."""
    return f"{name}: {'×'.join(map(str, found))} instead of {'×'.join(map(str, wanted))}"


def _differences(missing: Iterable[str], unexpected: Iterable[str], mismatched: Iterable[str]) -> str:
    found = [
        f"{_count(names, what)} ({_first(names)})"
        for names, what in (
            (sorted(missing), "missing"),
            (sorted(unexpected), "unknown to the network"),
            (sorted(mismatched), "of another shape"),
        )
        if names
    ]
    return f"of its tensors, {', '.join(found)}" if found else ""


def _count(names: list[str], what: str) -> str:
    return f"{len(names)} {'is' if len(names) == 1 else 'are'} {what}"


def _first(names: list[str]) -> str:
    return ", ".join(names[:NAMED_TENSORS]) + (", …" if len(names) > NAMED_TENSORS else "")
