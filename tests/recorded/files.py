"""Recorded files: written, read, and compared with the output of today's code."""

import json
import os
import re
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
VERSION = "0.1.0"

# Path below the version's folder, without its suffix → JSON content.
Files = dict[str, Any]

# Text for people: it may be reworded, so only its being there is compared.
PROSE = frozenset(
    {"message", "detail", "title", "description", "summary", "help", "Description", "AlarmDescription", "msg", "note"}
)
_LINE = 110
_MACHINE = re.compile(r"/root/|/work/|/tmp/|/home/|/Users/")


def dump(content: Any) -> str:
    """JSON as it is recorded: sorted keys, short values on one line.

    Raises ``ValueError`` for paths of the recording machine.
    """
    text = _pretty(content, 0) + "\n"
    found = _MACHINE.search(text)
    if found:
        raise ValueError(f"a path of this machine: {text[max(0, found.start() - 200) : found.end() + 100]}")
    return text


def _pretty(value: Any, depth: int) -> str:
    line = json.dumps(value, sort_keys=True, ensure_ascii=False)
    if not isinstance(value, dict | list) or (len(line) + depth <= _LINE and (depth or not isinstance(value, dict))):
        return line
    pad = " " * (depth + 2)
    if isinstance(value, dict):
        parts = [f"{json.dumps(key, ensure_ascii=False)}: {_pretty(value[key], depth + 2)}" for key in sorted(value)]
        return "{\n" + ",\n".join(pad + part for part in parts) + "\n" + " " * depth + "}"
    return "[\n" + ",\n".join(pad + _pretty(each, depth + 2) for each in value) + "\n" + " " * depth + "]"


def write(folder: Path, files: Files) -> None:
    """Write contents below ``folder``."""
    for name, content in files.items():
        path = folder / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dump(content), "utf-8")


def read(name: str, version: str = VERSION) -> Any:
    """The content of a recorded file."""
    return json.loads((FOLDER / version / f"{name}.json").read_text("utf-8"))


def names(under: str, version: str = VERSION) -> list[str]:
    """The recorded files below a folder of the version, sorted."""
    root = FOLDER / version
    return sorted(path.relative_to(root).with_suffix("").as_posix() for path in (root / under).rglob("*.json"))


def target() -> Path:
    """The folder that a recording writes to, given by the command that started it."""
    return Path(os.environ["DARKROOM_RECORD_TO"])


def differences(recorded: Any, now: Any, *, sets: bool = False, where: str = "") -> list[str]:
    """Differences of ``now`` from what was recorded: missing and changed values; additions are none.

    ``sets``: lists are compared without regard to order and additions, as in a schema's ``enum`` and ``required``.
    So is a template's ``DependsOn``.
    """
    if isinstance(recorded, dict) and isinstance(now, dict):
        found = []
        for name, value in recorded.items():
            path = f"{where}.{name}" if where else name
            if name not in now:
                found.append(f"{path} is gone (was {_short(value)})")
            elif name in PROSE and isinstance(value, str):
                found += [] if isinstance(now[name], str) and bool(now[name]) == bool(value) else [f"{path}: no text"]
            else:
                found += differences(value, now[name], sets=sets or name == "DependsOn", where=path)
        return found
    if all(isinstance(each, str) and each.startswith('{"') for each in (recorded, now)):
        return differences(json.loads(recorded), json.loads(now), where=where)
    if isinstance(recorded, list) and isinstance(now, list):
        if sets:
            known = [json.dumps(each, sort_keys=True) for each in now]
            return [
                f"{where} lacks {_short(each)}"
                for each in recorded
                if json.dumps(each, sort_keys=True) not in known
                and not any(isinstance(other, dict) and not differences(each, other, sets=True) for other in now)
            ]
        if len(recorded) != len(now):
            return [f"{where} has {len(now)} entries, {len(recorded)} were recorded"]
        return [
            each
            for index, (before, after) in enumerate(zip(recorded, now, strict=True))
            for each in differences(before, after, where=f"{where}[{index}]")
        ]
    if type(recorded) is not type(now) or recorded != now:
        return [f"{where}: {_short(now)}, recorded was {_short(recorded)}"]
    return []


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 160 else f"{text[:157]}…"
