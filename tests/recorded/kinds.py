"""Scenarios of a job of every kind on every engine that supports it, from request to end."""

from dataclasses import dataclass, field
from typing import Any

from tests.recorded import samples
from tests.recorded.fake_deployment import FakeDeployment, Item

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


def run(deployment: FakeDeployment, scenario: Scenario) -> str:
    """Run a job from its request to its end; record its row in every state and its messages. Returns its id."""
    name = scenario.name
    deployment.clock.advance(600)
    body = deployment.call("POST", "/jobs", scenario.body(), record_as=f"jobs/{name}#create")
    job_id: str = body["job"]["job_id"]
    if scenario.files or scenario.references:
        deployment.record_row(name, "awaiting_upload", job_id)
    _uploads(deployment, scenario, job_id)
    deployment.record_row(name, "queued", job_id)
    invocation = deployment.dispatch(name)
    deployment.record_row(name, "dispatched", job_id)
    deployment.start(invocation)
    deployment.report(invocation, preview=True)
    deployment.record_row(name, "running", job_id)
    deployment.call("GET", f"/jobs/{job_id}", record_as=f"jobs/{name}#running")
    outcome: Item = deployment.record("outcomes/" + name, "outcome", deployment.outcome_of(name, invocation))
    deployment.finish(name, invocation, outcome)
    deployment.record_row(name, "completed", job_id)
    deployment.end(job_id, part=name)
    deployment.call("GET", f"/jobs/{job_id}", record_as=f"jobs/{name}#completed")
    return job_id


def _uploads(deployment: FakeDeployment, scenario: Scenario, job_id: str) -> None:
    """Upload what the job waits for; what it takes from elsewhere has been copied already."""
    deployment.notice_uploads(f"{scenario.name}:copied" if scenario.references else None)
    for role, data in scenario.files.items():
        deployment.upload(f"uploads/{job_id}/{role}", data, record_as=f"{scenario.name}:{role}")
        if role == "photo" and len(scenario.files) > 1:
            deployment.record_row(scenario.name, "awaiting_upload:one_of_two", job_id)
