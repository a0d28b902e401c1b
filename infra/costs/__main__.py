"""``python -m infra.costs``: show what a deployment costs idle, and what the control plane of a job costs."""

import argparse
import sys

from rich.console import Console

from infra.config import ConfigError
from infra.context_pairs import parse_context
from infra.costs.report import Costs, tables, write
from infra.costs.templates import Templates

# A stage without a file in deployments/: the documentation has the defaults, whatever an operator has deployed.
_DEFAULTS = {"stage": "defaults"}


def main() -> int:
    """Print the tables, or renew the documentation. Exit status: 0, or 2 for an invalid context."""
    parser = argparse.ArgumentParser(prog="python -m infra.costs", description="Costs of a deployment by list prices.")
    parser.add_argument("-c", "--context", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument(
        "--markdown", action="store_true", help="renew docs/operating.md and README.md, by the defaults"
    )
    arguments = parser.parse_args()
    try:
        context: dict[str, str] = parse_context(arguments.context)
    except ConfigError as error:
        parser.error(f"--context {error}")
    if arguments.markdown and context:
        parser.error("--markdown documents the defaults, without --context")
    try:
        costs = Costs.of(Templates.synthesize(_DEFAULTS if arguments.markdown else context))
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - a command talks to its user
        return 2
    if arguments.markdown:
        write(costs)
    else:
        Console().print(tables(costs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
