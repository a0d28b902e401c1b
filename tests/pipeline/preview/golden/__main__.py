"""``python -m tests.pipeline.preview.golden``: renew the golden files after an intended change of what users see."""

import tempfile
from pathlib import Path

from tests.pipeline.preview.golden.golden_cases import CASES
from tests.pipeline.preview.golden.golden_record import FOLDER, save

for old in FOLDER.glob("*"):
    old.unlink()
for name, case in CASES.items():
    with tempfile.TemporaryDirectory() as folder:
        save(name, case(Path(folder)))
