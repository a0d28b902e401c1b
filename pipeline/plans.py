"""Registry of plans: maps a kind and an engine to the plan that serves it.

Engines are heavy, so a plan's module is imported at its first use.
"""

from functools import cache

from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.kinds import KINDS, Kind
from pipeline.core.stages import Plan


def get_plan(kind: Kind, engine: Engine, *, allow_preview: bool = False) -> Plan:
    """Return the plan for a kind on an engine. Plans are built once.

    With ``allow_preview``, fall back to the preview engine if ``engine`` has no plan; see ``Plan.engine`` for the
    engine chosen. Raises ``DarkroomError`` (``engine_unavailable``) if no plan exists.
    """
    engines = KINDS[kind].engines
    chosen = Engine.PREVIEW if allow_preview and engine not in engines else engine
    if chosen not in engines:
        hint = " Set allow_preview to take the preview engine instead." if Engine.PREVIEW in engines else ""
        raise DarkroomError(
            ErrorCode.ENGINE_UNAVAILABLE, f"The {engine.value} engine cannot do {kind.value} here.{hint}"
        )
    return _build(kind, chosen)


def available_plans() -> tuple[tuple[Kind, Engine], ...]:
    """Return every pair of kind and engine for which ``get_plan`` has a plan."""
    return tuple((kind, engine) for kind, definition in KINDS.items() for engine in definition.engines)


def plan_markdown(plan: Plan) -> str:
    """Render a plan as a Markdown table, from its stages' declarations."""
    lines = [
        f"## `{plan.kind.value}` on `{plan.engine.value}`",
        "",
        "| stage | share | slot | networks | needs | gives | class |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for stage, share in plan.steps:
        needs, gives = (", ".join(a.name for a in side) or "–" for side in (stage.requires, stage.provides))
        networks = ", ".join(network.name for network in stage.networks) or "–"
        kept = " (cached)" if stage.cacheable else ""
        module = type(stage).__module__.replace(".", "/")
        source = f"[{type(stage).__name__}](../{module}.py)"
        cells = (
            f"{stage.name}: {stage.message}",
            f"{share:.0%}",
            stage.slot.value,
            networks,
            needs,
            gives + kept,
            source,
        )
        lines.append(f"| {' | '.join(cells)} |")
    artifacts = {artifact.name: artifact.description for stage, _ in plan.steps for artifact in stage.provides}
    return "\n".join([*lines, "", *(f"- **{name}**: {about}" for name, about in artifacts.items())])


def plans_markdown() -> str:
    """Render every plan as Markdown: the content of ``docs/plans.md``."""
    plans = [plan_markdown(get_plan(kind, engine)) for kind, engine in available_plans()]
    return "\n\n".join(
        [
            "# Plans\n\nWritten by `make reference` from what the stages declare. Networks are defined in "
            "[network_registry.py](../pipeline/models/network_registry.py).",
            *plans,
        ]
    )


@cache
def _build(kind: Kind, engine: Engine) -> Plan:  # noqa: C901 - one case for each plan
    """Build a plan. Its module is imported here, so that an engine that fails to import affects no other kind."""
    match kind, engine:
        case Kind.RESTYLE_ROOM, Engine.MODELS:
            from pipeline.models.workflows.restyle_room import plan
        case Kind.RESTYLE_ROOM, Engine.PREVIEW:
            from pipeline.preview.workflows.restyle_room import plan
        case Kind.INPAINT, Engine.MODELS:
            from pipeline.models.workflows.inpaint import plan
        case Kind.INPAINT, Engine.PREVIEW:
            from pipeline.preview.workflows.inpaint import plan
        case Kind.GENERATE, Engine.MODELS:
            from pipeline.models.workflows.generate import plan
        case Kind.FACE_SWAP, Engine.MODELS:
            from pipeline.models.workflows.face_swap import plan
        case Kind.FACE_SWAP, Engine.PREVIEW:
            from pipeline.preview.workflows.face_swap import plan
        case Kind.UPSCALE, Engine.MODELS:
            from pipeline.models.workflows.upscale import plan
        case Kind.UPSCALE, Engine.PREVIEW:
            from pipeline.preview.workflows.upscale import plan
        case Kind.FIND_OBJECTS, Engine.MODELS:
            from pipeline.models.workflows.find_objects import plan
        case Kind.FIND_OBJECTS, Engine.PREVIEW:
            from pipeline.preview.workflows.find_objects import plan
        case Kind.RENDER_VIDEO, Engine.MODELS:
            from pipeline.models.workflows.render_video import plan
        case Kind.RENDER_VIDEO, Engine.PREVIEW:
            from pipeline.preview.workflows.render_video import plan
        case Kind.RENDER_SCENES, Engine.MODELS:
            from pipeline.models.workflows.render_scenes import plan
        case Kind.RENDER_SCENES, Engine.PREVIEW:
            from pipeline.preview.workflows.render_scenes import plan
        case _:
            raise LookupError(f"{kind} on {engine} is in the registry of kinds, but has no plan here")
    return plan()
