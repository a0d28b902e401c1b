"""Clients that generators make of the OpenAPI document, each with a program that gets one picture made."""

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from handlers.http_api.openapi import FILE

ROOT = Path(__file__).parents[2]
MODULES = ROOT / "studio" / "node_modules"
PROGRAMS = Path(__file__).parent
GENERATOR = "openapi_python_client"
COMPILER_OPTIONS = {
    "target": "ES2023",
    "lib": ["ES2023", "DOM", "DOM.Iterable"],
    "module": "ESNext",
    "moduleResolution": "bundler",
    "strict": True,
    "exactOptionalPropertyTypes": True,
    "noUncheckedIndexedAccess": True,
    "noEmit": True,
    "skipLibCheck": True,
    "types": ["node"],
}


def documented_body() -> str:
    """Return the body of the first request by curl in docs/api.md, as JSON."""
    text = (ROOT / "docs" / "api.md").read_text("utf-8")
    found = re.search(r"^curl \$API/jobs .*?-d '({.*?})'$", text, re.MULTILINE | re.DOTALL)
    assert found is not None
    json.loads(found[1])
    return found[1]


class TypescriptClient:
    """Types by openapi-typescript, requests by openapi-fetch, checked by tsc."""

    def __init__(self, folder: Path) -> None:
        if not MODULES.exists():
            pytest.skip("needs make setup-web")
        self._folder = folder
        (folder / "node_modules").symlink_to(MODULES)
        (folder / "package.json").write_text('{"type": "module"}')
        settings = {"compilerOptions": COMPILER_OPTIONS, "files": ["client.ts"]}
        (folder / "tsconfig.json").write_text(json.dumps(settings))
        generator = MODULES / "openapi-typescript/bin/cli.js"
        _output(self._run(generator, FILE, "--output", "schema.d.ts", "--default-non-nullable", "false"))
        text = (PROGRAMS / "client.ts").read_text("utf-8")
        self._write(text.replace("body: DOCUMENTED_BODY", f"body: {documented_body()}"))

    def check_types(self) -> list[str]:
        """Return the compiler's errors in the program."""
        done = self._run(MODULES / "typescript/bin/tsc", "--project", ".")
        return [] if done.returncode == 0 else done.stdout.splitlines()

    def check_bodies(self, bodies: list[dict[str, Any]]) -> list[str]:
        """Return the compiler's errors in a program that creates a job with each body, from line 2 on."""
        program = (self._folder / "client.ts").read_text("utf-8")
        calls = [f'await client.POST("/jobs", {{ body: {json.dumps(body)} }});' for body in bodies]
        declarations = [
            'import type { paths } from "./schema";',
            'import createClient from "openapi-fetch";',
            "const client = createClient<paths>();",
        ]
        self._write("\n".join([" ".join(declarations), *calls]))
        try:
            return self.check_types()
        finally:
            self._write(program)

    def make_picture(self, url: str, token: str, photo: Path) -> dict[str, Any]:
        """Run the program. Returns the job that ended."""
        job: dict[str, Any] = json.loads(_output(self._run("client.ts", url, token, photo)))
        return job

    def _write(self, program: str) -> None:
        (self._folder / "client.ts").write_text(program, "utf-8")

    def _run(self, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        return _run("node", *arguments, folder=self._folder)


class PythonClient:
    """Package by openapi-python-client: attrs and httpx."""

    def __init__(self, folder: Path) -> None:
        if find_spec(GENERATOR) is None:
            pytest.skip("needs openapi-python-client: make setup")
        self._folder = folder
        package = folder / "darkroom_api"
        command = ("generate", "--path", FILE, "--meta", "none", "--output-path", package, "--fail-on-warning")
        _output(_run(sys.executable, "-m", GENERATOR, *command, folder=folder))

    def make_picture(self, url: str, token: str, photo: Path) -> dict[str, Any]:
        """Run the program. Returns the job that ended."""
        program = (sys.executable, PROGRAMS / "client.py", url, token, photo, documented_body())
        job: dict[str, Any] = json.loads(_output(_run(*program, folder=self._folder)))
        return job


def _run(*command: str | Path, folder: Path) -> "subprocess.CompletedProcess[str]":
    # Node and ruff, which the generators call, are beside Python.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": f"{folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    arguments = [str(each) for each in command]
    return subprocess.run(arguments, cwd=folder, env=environment, text=True, capture_output=True, check=False)


def _output(done: "subprocess.CompletedProcess[str]") -> str:
    assert done.returncode == 0, f"{done.args}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout
