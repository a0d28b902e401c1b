"""``python -m pipeline.network_check``: run each network once and print a table. ``darkroom models check`` runs it."""

import argparse
import logging
import sys
from pathlib import Path

from darkroom.contract.errors import DarkroomError
from darkroom.contract.kinds import Kind
from pipeline.models.offload.device import Placement
from pipeline.models.offload.manager import ModelManager
from pipeline.network_check.report import TrialResult, run_trials
from pipeline.weights.store import WeightStore, default_folder


def main() -> int:
    """Check the networks. Exit status: 0; 1 if one failed or the device cannot be used; 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="darkroom models check")
    parser.add_argument("--kind", type=Kind, action="append", help="check what jobs of this kind need")
    parser.add_argument("--weights", type=Path, help="folder of the models")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--accept-research-licence", action="store_true", help="check models for research, too")
    options = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    try:
        placement = Placement.for_device(options.device)
        store = WeightStore(options.weights or default_folder())
        manager = ModelManager(store, placement, accept_research_licence=options.accept_research_licence)
        _write(f"on {placement.name()}, with the weights in {store.folder}")
        results = []
        for result in run_trials(options.kind or list(Kind), manager):
            _write_row(result)
            results.append(result)
    except DarkroomError as error:
        sys.stderr.write(f"darkroom: {error.detail.code}: {error.detail.message}\n")
        return 1
    failed = sum(result.verdict == "failed" for result in results)
    doubtful = sum(result.verdict == "doubtful" for result in results)
    _write(f"{len(results)} checked, {failed} failed, {doubtful} doubtful")
    return 1 if failed else 0


def _write_row(result: TrialResult) -> None:
    # Line by line, as a network may take minutes on a CPU.
    numbers = f"loaded in {result.load_seconds:.1f} s, ran {result.seconds:.2f} s, {result.megabytes:.0f} MB"
    measured = f" ({numbers}, {result.runtime})" if result.verdict != "failed" else ""
    _write(f"{result.verdict:9}{result.networks}: {result.words}{measured}")


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
