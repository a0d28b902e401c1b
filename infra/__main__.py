"""``python -m infra``: synthesize the templates into ``cdk.out/``; also the app command of ``cdk.json``."""

import argparse
import json
import os
import sys
from pathlib import Path

from infra.app import build
from infra.bundling.functions import ROOT, BuildError
from infra.config import ConfigError
from infra.context_pairs import parse_context


def main() -> int:
    """Synthesize. Exit status: 0, or 2 for an invalid context or a failed build."""
    parser = argparse.ArgumentParser(prog="python -m infra", description="Synthesize Darkroom's stacks.")
    parser.add_argument("-c", "--context", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("-o", "--output", type=Path, help="default: cdk.out, or where the CDK command says")
    arguments = parser.parse_args()
    try:
        context: dict[str, str] = parse_context(arguments.context)
    except ConfigError as error:
        parser.error(f"--context {error}")
    outdir = arguments.output
    if "CDK_OUTDIR" not in os.environ:  # not called by the CDK command, which would have read cdk.json
        context = json.loads((ROOT / "cdk.json").read_text())["context"] | context
        outdir = outdir or Path("cdk.out")
    try:
        app = build(context=context, outdir=outdir)
    except (ConfigError, BuildError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - a command talks to its user
        return 2
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
