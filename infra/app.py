"""CDK app: core, GPU and studio stacks from one validated context."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aws_cdk import App

from infra.config import Config
from infra.deployment_file import with_deployment_file
from infra.stacks.core import CoreStack


def build(*, context: Mapping[str, Any] | None = None, outdir: Path | None = None) -> App:
    """Return the app with its stacks, not yet synthesized. ``context`` overrides the toolkit's own, and both
    override the file of the stage (``infra.deployment_file``).

    Raises ``ConfigError`` for an invalid context, and ``BuildError`` when the layer or the studio cannot be built.
    """
    app = App(outdir=str(outdir) if outdir else None, post_cli_context=dict(context or {}))
    config = Config.read(with_deployment_file(app.node.get_all_context()))
    core = CoreStack(app, config.stack_name, config=config)
    if not config.local:  # the emulator has no SageMaker; infra.local.endpoint stands in
        from infra.stacks.gpu import GpuStack  # noqa: PLC0415 - the CDK's modules behind it cost seconds to import

        GpuStack(app, f"{config.stack_name}-gpu", config=config, core=core)
        if config.studio:
            from infra.stacks.studio import StudioStack  # noqa: PLC0415

            StudioStack(app, f"{config.stack_name}-studio", config=config, core=core)
    return app
