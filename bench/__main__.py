"""``python -m bench``: measure every part, write each into the results file at once, renew docs/benchmarks.md.

A part that fails is reported and keeps its earlier figures; the others are measured all the same, and the exit status
is 1. After Ctrl-C, what has been measured stays in the file, and the exit status is 130. A termination signal does the
same, with 128 plus its number.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import (
    baseline,
    calls,
    decoding,
    drafts,
    event_path,
    lambda_imports,
    lane_imports,
    preview_engine,
    request_guard,
    video,
)
from bench.context import Context
from bench.report import update_page
from bench.results import Results, load
from bench.runner import names, run_parts, select_parts
from bench.section import Section
from darkroom.cli.termination import termination_signals

# The order of measuring and of the report. A new measurement is one entry here.
SECTIONS: tuple[Section[Any], ...] = (
    baseline.SECTION,
    request_guard.SECTION,
    event_path.SECTION,
    calls.SECTION,
    lambda_imports.SECTION,
    lane_imports.SECTION,
    decoding.SECTION,
    drafts.SECTION,
    preview_engine.SECTION,
    video.SECTION,
)
RESULTS = Path(__file__).with_name("results.json")
QUICK_RESULTS = Path("out", "bench-quick.json")
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def main(arguments: Sequence[str] | None = None, sections: Sequence[Section[Any]] = SECTIONS) -> int:
    """Run the command line and return the exit status."""
    given = _parser(sections).parse_args(arguments)
    output: Path = given.output or (QUICK_RESULTS if given.quick else RESULTS)

    def save(results: Results) -> None:
        results.save(output)
        if output.resolve() == RESULTS.resolve():
            update_page(PAGE, sections, results)

    try:
        select_parts(sections, given.part)
        results = load(output)
    except ValueError as error:
        print(f"Nothing was measured: {error}", file=sys.stderr)
        return 2
    with termination_signals():
        try:
            with Context(quick=given.quick) as context:
                failed = run_parts(sections, context, results, save, given.part)
        except KeyboardInterrupt:
            print(f"Interrupted. What had been measured is in {output}.", file=sys.stderr)
            return 130
    print(f"Written to {output}.")
    if failed:
        print(f"Failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _parser(sections: Sequence[Section[Any]]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=__doc__,
        epilog=f"parts: {', '.join(names(sections))}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"few repetitions of small cases, to see that all works; writes {QUICK_RESULTS} and no table "
        "unless --output says otherwise",
    )
    parser.add_argument(
        "--part",
        action="append",
        default=[],
        metavar="NAME",
        help="measure this part only, or all of a section; may be repeated",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="the results file, whose other figures stay; the table is renewed with bench/results.json only",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
