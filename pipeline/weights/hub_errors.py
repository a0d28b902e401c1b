"""Hub errors: those of the Hugging Face hub, the network and the disk, as one-line ``DarkroomError``."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.weights.catalog import Model


def transport_error() -> type[Exception]:
    """Return the base error of the hub's HTTP library: httpx in older releases, httpx2 in newer ones."""
    from huggingface_hub.errors import HfHubHTTPError  # noqa: PLC0415 - with the library, see above

    return next(base for base in HfHubHTTPError.__mro__ if base.__name__ == "HTTPError" and issubclass(base, Exception))


def refused(error: Exception) -> bool:
    """Return True for a permanent client error (4xx, except 408 and 429), which is not worth a retry."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status is not None and 400 <= status < 500 and status not in (408, 429)


@contextmanager
def translate_hub_errors(model: Model, folder: Path) -> Iterator[None]:
    """Context manager that raises errors of the hub, the network and the disk as one-line ``DarkroomError``."""
    from huggingface_hub import errors  # noqa: PLC0415 - with the library, see above

    resume_hint = f"`darkroom models fetch {model.id}` goes on where it was"
    try:
        yield
    except errors.GatedRepoError as error:
        raise failed(model, f"{model.repository} wants its terms accepted first; do so, and set HF_TOKEN") from error
    except errors.RepositoryNotFoundError as error:
        raise failed(model, f"there is no {model.repository} on the hub, or not for this HF_TOKEN") from error
    except errors.RevisionNotFoundError as error:
        raise failed(model, f"{model.repository} has no revision {model.revision}") from error
    except errors.OfflineModeIsEnabled as error:
        raise failed(model, "HF_HUB_OFFLINE is set; unset it to fetch") from error
    except errors.HfHubHTTPError as error:
        raise failed(
            model, f"the hub refused ({_one_line(error)}); {resume_hint}", retryable=not refused(error)
        ) from error
    except transport_error() as error:
        raise failed(model, f"the hub cannot be reached ({_one_line(error)}); {resume_hint}", retryable=True) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise failed(model, f"the disk of {folder} is full; make room, and {resume_hint}") from error
        raise failed(model, f"{error.filename or folder}: {error.strerror or error}") from error


def _one_line(error: Exception) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:200]


def mismatch(model: Model, path: str, why: str) -> DarkroomError:
    """Build the error for a file that is not the one that it should be."""
    return failed(model, f"{model.id}/{path} is not the file it should be: {why}")


def failed(model: Model, why: str, *, retryable: bool = False) -> DarkroomError:
    """Build the error of a fetch (``engine_unavailable``), with another source of the file if there is one."""
    original = model.original
    import_hint = (
        f" Or take {original.file} from {original.where}, and `darkroom models import {model.id} {original.file}`."
        if original
        else ""
    )
    return DarkroomError(
        ErrorCode.ENGINE_UNAVAILABLE, f"{model.id} could not be fetched: {why}.{import_hint}", retryable=retryable
    )
