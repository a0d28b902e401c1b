"""Paths of the repository, for tests in folders of any depth."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
DATA = ROOT / "tests" / "data"
SAMPLES = ROOT / "infra" / "commands" / "samples"
