"""Registry of plans: maps a kind and an engine to the plan that serves it.

Engines are heavy, so a plan's module is imported at its first use.
"""

from collections.abc import Callable
from functools import cache
from importlib import import_module

from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.requests import Kind
from pipeline.core.stages import Plan

# Module with a function ``plan() -> Plan``, for every kind that an engine can do.
_MODULES: dict[tuple[Kind, Engine], str] = {
    (Kind.RESTYLE_ROOM, Engine.MODELS): "pipeline.models.workflows.restyle_room",
    (Kind.RESTYLE_ROOM, Engine.PREVIEW): "pipeline.preview.workflows.restyle_room",
    (Kind.INPAINT, Engine.MODELS): "pipeline.models.workflows.inpaint",
    (Kind.INPAINT, Engine.PREVIEW): "pipeline.preview.workflows.inpaint",
    (Kind.GENERATE, Engine.MODELS): "pipeline.models.workflows.generate",
    (Kind.FACE_SWAP, Engine.MODELS): "pipeline.models.workflows.face_swap",
    (Kind.FACE_SWAP, Engine.PREVIEW): "pipeline.preview.workflows.face_swap",
    (Kind.UPSCALE, Engine.MODELS): "pipeline.models.workflows.upscale",
    (Kind.UPSCALE, Engine.PREVIEW): "pipeline.preview.workflows.upscale",
    (Kind.FIND_OBJECTS, Engine.MODELS): "pipeline.models.workflows.find_objects",
    (Kind.FIND_OBJECTS, Engine.PREVIEW): "pipeline.preview.workflows.find_objects",
    (Kind.RENDER_VIDEO, Engine.MODELS): "pipeline.models.workflows.render_video",
    (Kind.RENDER_VIDEO, Engine.PREVIEW): "pipeline.preview.workflows.render_video",
    (Kind.RENDER_SCENES, Engine.MODELS): "pipeline.models.workflows.render_scenes",
    (Kind.RENDER_SCENES, Engine.PREVIEW): "pipeline.preview.workflows.render_scenes",
}


def get_plan(kind: Kind, engine: Engine, *, allow_preview: bool = False) -> Plan:
    """Return the plan for a kind on an engine. Plans are built once.

    With ``allow_preview``, fall back to the preview engine if ``engine`` has no plan; see ``Plan.engine`` for the
    engine chosen. Raises ``DarkroomError`` (``engine_unavailable``) if no plan exists.
    """
    chosen = engine
    if allow_preview and (kind, engine) not in _MODULES:
        chosen = Engine.PREVIEW
    if (kind, chosen) not in _MODULES:
        hint = " Set allow_preview to take the preview engine instead." if (kind, Engine.PREVIEW) in _MODULES else ""
        raise DarkroomError(
            ErrorCode.ENGINE_UNAVAILABLE, f"The {engine.value} engine cannot do {kind.value} here.{hint}"
        )
    return _build(kind, chosen)


def available_plans() -> tuple[tuple[Kind, Engine], ...]:
    """Return every pair of kind and engine for which ``get_plan`` has a plan."""
    return tuple(_MODULES)


def plan_markdown(made: Plan) -> str:
    """Render a plan as a Markdown table, from its stages' declarations."""
    lines = [
        f"## `{made.kind.value}` on `{made.engine.value}`",
        "",
        "| stage | share | slot | networks | needs | gives |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for stage, share in made.steps:
        needs, gives = (", ".join(a.name for a in side) or "–" for side in (stage.requires, stage.provides))
        networks = ", ".join(network.name for network in stage.networks) or "–"
        kept = " (cached)" if stage.cacheable else ""
        cells = (f"{stage.name}: {stage.message}", f"{share:.0%}", stage.slot.value, networks, needs, gives + kept)
        lines.append(f"| {' | '.join(cells)} |")
    artifacts = {artifact.name: artifact.description for stage, _ in made.steps for artifact in stage.provides}
    return "\n".join([*lines, "", *(f"- **{name}**: {about}" for name, about in artifacts.items())])


def plans_markdown() -> str:
    """Render every plan as Markdown: the content of ``docs/plans.md``."""
    plans = [plan_markdown(get_plan(kind, engine)) for kind, engine in available_plans()]
    return "\n\n".join(["# Plans\n\nWritten by `pipeline.plans.plans_markdown` from what the stages declare.", *plans])


@cache
def _build(kind: Kind, engine: Engine) -> Plan:
    build: Callable[[], Plan] = import_module(_MODULES[kind, engine]).plan
    return build()
