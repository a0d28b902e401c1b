"""Golden test: what each kind, style and material of the preview engine looks like is what a reviewer has seen.

After an intended change, ``make goldens`` renews the files; look at their difference before you commit it.
"""

from pathlib import Path

import pytest

from tests.pipeline.preview.golden.golden_cases import CASES
from tests.pipeline.preview.golden.golden_record import FOLDER, differences


@pytest.mark.parametrize("name", CASES)
def test_results_look_as_they_did(name: str, tmp_path: Path) -> None:
    found = differences(name, CASES[name](tmp_path), tmp_path)
    assert not found, f"if this is intended, look at {tmp_path}/{name}.png, then run make goldens"


def test_golden_files_are_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 60_000
