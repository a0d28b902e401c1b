"""Scenarios of a job of every kind on every engine that supports it, from request to end."""

from dataclasses import dataclass, field
from typing import Any

from tests.recorded import samples
from tests.recorded.world import Item, World

SMALL_VIDEO = {"resolution": "360p", "aspect": "1:1"}
SCRIPT = "Good evening. Nobody ever had this voice."
_TYPES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PN": "image/png", b"Ogg": "audio/ogg", b"RIF": "audio/wav"}


@dataclass(frozen=True)
class Scenario:
    """A request: ``files`` are uploaded for its roles, ``references`` stand for others; ``declared`` in full or not."""

    name: str
    kind: str
    params: dict[str, Any]
    files: dict[str, bytes] = field(default_factory=dict)
    references: dict[str, dict[str, str]] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    declared: bool = False

    def body(self) -> dict[str, Any]:
        """The body of ``POST /jobs``."""
        uploads: dict[str, dict[str, Any]] = {role: self._source(data) for role, data in self.files.items()}
        uploads |= self.references
        return {"kind": self.kind, "params": self.params, "uploads": uploads, **self.options}

    def _source(self, data: bytes) -> dict[str, Any]:
        source: dict[str, Any] = {"content_type": _TYPES[data[:3]]}
        return source | ({"size": len(data), "sha256": samples.sha256(data)} if self.declared else {})


def on(engine: str, scenario: Scenario, **changes: Any) -> Scenario:
    values = {"name": f"{scenario.kind}-{engine}", "options": {"engine": engine}}
    return Scenario(**(vars(scenario) | values | changes))


RESTYLE = Scenario(
    name="",
    kind="restyle_room",
    params={"style": "scandinavian", "strength": 0.75, "seed": 7, "keep": ["sofa"], "keep_at": [[0.25, 0.5]]},
    files={"photo": samples.ROOM},
)
INPAINT = Scenario("", "inpaint", {"grow": 2}, {"photo": samples.ROOM, "mask": samples.ROOM_MASK}, declared=True)
GENERATE = Scenario("", "generate", {"prompt": "a red bicycle", "aspect": "16:9", "count": 2, "style": "flat"})
SWAP = Scenario("", "face_swap", {"consent": True}, {"source": samples.FACE_SOURCE, "target": samples.FACE_TARGET})
UPSCALE = Scenario("", "upscale", {"scale": 1.5}, {"photo": samples.SMALL})
FIND = Scenario("", "find_objects", {}, {"photo": samples.ROOM})
VIDEO = Scenario(
    name="",
    kind="render_video",
    params={"script": SCRIPT, "subtitles": "both", **SMALL_VIDEO},
    references={"avatar": {"avatar": "amara"}},
)
SCENES = Scenario(
    name="",
    kind="render_scenes",
    params={
        "scenes": [
            {"type": "image", "picture": "room", "script": "This is the room."},
            {"type": "avatar", "avatar": "host", "script": "Hello.", "transition": "cut"},
            {"type": "image", "picture": "room", "seconds": 1.5, "transition": "fade"},
        ],
        "subtitles": "both",
        **SMALL_VIDEO,
    },
    files={"room": samples.SMALL, "music": samples.MUSIC},
    references={"host": {"avatar": "bruno"}},
)
GENERATED = {"type": "generated", "prompt": "a harbour at dawn", "script": "Good morning."}

PREVIEW = tuple(on("preview", scenario) for scenario in (RESTYLE, INPAINT, SWAP, UPSCALE, FIND, VIDEO, SCENES))
MODELS = (
    on("models", RESTYLE, params={**RESTYLE.params, "steps": 3, "format": "png", "prompt": "a brass lamp"}),
    on("models", INPAINT, params={"prompt": "a brass lamp", "steps": 2}),
    on("models", GENERATE),
    on(
        "models",
        SWAP,
        params={"consent": True, "source_face": 0},
        files={"source": samples.SQUARE_SOURCE, "target": samples.SQUARE_TARGET},
    ),
    on("models", UPSCALE, params={"scale": 2.5, "content": "anime"}),
    on("models", FIND),
    on("models", VIDEO, files={"voice_track": samples.VOICE}, params={**VIDEO.params, "script": "One two three."}),
    on("models", SCENES, params={**SCENES.params, "scenes": [GENERATED, *SCENES.params["scenes"][:2]]}),
)
# The models engine is asked for and not there: the result is the other engine's and says so.
FALLBACK = on(
    "models", UPSCALE, name="upscale-allow_preview", options={"engine": "models", "allow_preview": True, "cache": False}
)
SCENARIOS = (*PREVIEW, *MODELS, FALLBACK)


def play(world: World, scenario: Scenario) -> str:
    """Play a job from its request to its end, keeping its row in every state and what passes; its id."""
    name = scenario.name
    world.clock.tick(600)
    body = world.call("POST", "/jobs", scenario.body(), keep=f"jobs/{name}#create")
    job_id: str = body["job"]["job_id"]
    if scenario.files or scenario.references:
        world.keep_row(name, "awaiting_upload", job_id)
    _uploads(world, scenario, job_id)
    world.keep_row(name, "queued", job_id)
    invocation = world.dispatch(name)
    world.keep_row(name, "dispatched", job_id)
    world.start(invocation)
    world.report(invocation, preview=True)
    world.keep_row(name, "running", job_id)
    world.call("GET", f"/jobs/{job_id}", keep=f"jobs/{name}#running")
    outcome: Item = world.keep("outcomes/" + name, "outcome", world.outcome_of(name, invocation))
    world.finish(name, invocation, outcome)
    world.keep_row(name, "completed", job_id)
    world.end(job_id, part=name)
    world.call("GET", f"/jobs/{job_id}", keep=f"jobs/{name}#completed")
    return job_id


def _uploads(world: World, scenario: Scenario, job_id: str) -> None:
    """Upload what the job waits for; what it takes from elsewhere has been copied already."""
    world.notice_uploads(f"{scenario.name}:copied" if scenario.references else None)
    for role, data in scenario.files.items():
        world.upload(f"uploads/{job_id}/{role}", data, keep=f"{scenario.name}:{role}")
        if role == "photo" and len(scenario.files) > 1:
            world.keep_row(scenario.name, "awaiting_upload:one_of_two", job_id)
