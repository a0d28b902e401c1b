"""Stub of the local runtime, a few lines long, and the state file that it leaves."""

import json
import os
from pathlib import Path

from tests.darkroom.fake_service import Service

RUNTIME = """
import json, pathlib, sys
folder = pathlib.Path(".darkroom", sys.argv[sys.argv.index("--port") + 1])
with open("calls.txt", "a") as calls:
    print(sys.argv[1], file=calls)
pathlib.Path("arguments.txt").write_text(" ".join(sys.argv[1:]))
if sys.argv[1] == "up":
    print("deploying the stack")
    state = pathlib.Path("template.json")
    if not state.exists():
        print("error: no room left")
        sys.exit(1)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stack.json").write_text(state.read_text())
"""


def state_of(service: Service, **changes: object) -> str:
    login = {"url": f"{service.url}/cognito", "client_id": "app", "username": "local", "password": "secret"}
    return json.dumps({"port": 4566, "endpoint": service.url, "socket": None, "auth": login, "more": 1, **changes})


def put(folder: Path, port: int, text: str, *, at: float = 0) -> Path:
    state = folder / ".darkroom" / str(port) / "stack.json"
    state.parent.mkdir(parents=True)
    state.write_text(text)
    os.utime(state, (at, at))
    return state.parent
