"""Language of a transcript."""

from darkroom.contract.languages import UNDETERMINED, detect_language


def resolve_language(text: str, stated: str | None) -> str:
    """Return the BCP 47 tag of a recording's transcript: as ``stated``, else as detected, else ``UNDETERMINED``."""
    return stated or detect_language(text) or UNDETERMINED
