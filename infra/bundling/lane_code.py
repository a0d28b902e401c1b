"""Code of the cpu lane on this machine: the checkout itself, which the emulator's process of the function imports."""

from pathlib import Path

from infra.bundling.functions import BUILD, digest, files_under

# Files and folders, with code and data, that the function loads.
LANE_CODE = (
    *("pipeline", "containers/__init__.py", "containers/worker", "containers/cpu", "cloud"),
    *("darkroom/__init__.py", "darkroom/contract", "requirements.lock"),
)


def build_stand_in(build: Path = BUILD) -> Path:
    """Return a folder with the digest of the function's code: a change of it updates the function.

    Fonts and models of faces would be packed, stored and unpacked at every start.
    """
    found = digest(files_under(*LANE_CODE))
    target = build / "lane" / found[:16]
    target.mkdir(parents=True, exist_ok=True)
    (target / "digest.txt").write_text(found)
    return target
