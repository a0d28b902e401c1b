"""Retries of a job: finished parts are reused."""

import numpy as np
import pytest

from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.kinds import Kind
from pipeline.core.artifacts import SAVED
from pipeline.core.stages import Plan, Stage
from pipeline.scenes import parallel_scenes
from pipeline.scenes.join import JoinScenes
from pipeline.scenes.load import LoadScenes
from pipeline.scenes.render import RenderClips
from pipeline.scenes.speech import SynthesiseSceneSpeech, TranscribeScenes
from pipeline.video.clip import ClipFile
from pipeline.video.encoder import encode_video
from pipeline.video.talking_portrait import CLIP, PORTRAIT, SPEECH, frame_count
from tests.pipeline.scenes.scene_rendering import COLOURS, VideoRenderer

SIDE = 64


class Flat(Stage):
    """Animation stage that writes a flat clip in the portrait's colour; at the colour ``fail``, it calls ``before``."""

    name = "animate"
    message = "Animating"
    requires = (PORTRAIT, SPEECH)
    provides = (CLIP,)

    def __init__(self):
        self.rendered = []
        self.fail = None
        self.before = lambda: None

    def run(self, context):
        colour = tuple(context[PORTRAIT][0, 0].tolist())
        if colour == self.fail:
            self.before()
            raise DarkroomError(ErrorCode.NO_FACE, "No face was found.", retryable=True)
        path = context.folder / "clip.mp4"
        frame = np.full((SIDE, SIDE, 3), colour, np.uint8)
        encode_video(path, [frame] * frame_count(context[SPEECH]), None, SIDE, SIDE, intermediate=True)
        self.rendered.append(colour)
        context.notes.append(f"Flat as {colour[0]}.")
        context[CLIP] = ClipFile(path)


@pytest.fixture
def renderer(tmp_path):
    return VideoRenderer(tmp_path)


@pytest.fixture
def animate(monkeypatch):
    # One that waits is not to keep the others from their work, however few processors there are.
    monkeypatch.setattr(parallel_scenes, "thread_count", lambda: 4)
    return Flat()


@pytest.fixture
def plan(animate):
    steps = ((LoadScenes(Engine.PREVIEW), 0.1), (SynthesiseSceneSpeech(), 0.1), (TranscribeScenes(), 0.1))
    rendered = (*steps, (RenderClips(animate), 0.4), (JoinScenes(), 0.3))
    return Plan(Kind.RENDER_SCENES, Engine.PREVIEW, rendered, results=(SAVED,))


@pytest.fixture
def render(renderer, plan):
    return lambda scenes=SCENES, **params: renderer.render(plan, scenes, **params)


def avatar(colour, script):
    return {"type": "avatar", "avatar": colour, "script": script}


SCENES = [
    avatar("red", "One two."),
    {"type": "image", "picture": "green", "seconds": 1},
    avatar("blue", "Three."),
]


def test_a_failed_scene_is_named_and_only_it_is_rendered_again(renderer, animate, render):
    animate.fail = COLOURS["blue"]
    animate.before = lambda: renderer.intermediates.wait_for("clip-*.mp4", 1)
    with pytest.raises(DarkroomError) as raised:
        render()
    detail = raised.value.detail
    assert (detail.code, detail.retryable) == (ErrorCode.NO_FACE, True)
    assert detail.message == "Scene 3 (avatar): No face was found."
    animate.fail = None
    again = render()
    assert animate.rendered == [COLOURS["red"], COLOURS["blue"]]
    assert [script for script, _ in renderer.speaker.scripts] == ["One two.", "Three."]
    # Nothing at all is made by a third one, which is as long and says the same of its scenes.
    third = render()
    assert len(animate.rendered) == 2
    assert third.digests == again.digests
    assert third.finished.notes == again.finished.notes
    assert {"Scene 1: Flat as 200.", "Scene 3: Flat as 40."} <= set(third.finished.notes)


def test_a_second_attempt_gives_the_same_files(renderer, animate, plan, render, tmp_path):
    (tmp_path / "other").mkdir()
    never_failed = VideoRenderer(tmp_path / "other").render(plan, SCENES, transition="fade", subtitles="both")
    animate.fail = COLOURS["blue"]
    animate.before = lambda: renderer.intermediates.wait_for("clip-*.mp4", 1)
    with pytest.raises(DarkroomError):
        render(transition="fade", subtitles="both")
    animate.fail = None
    assert render(transition="fade", subtitles="both").digests == never_failed.digests


def test_only_changed_parts_are_created_again(animate, render):
    render()
    moved = [avatar("blue", "Three."), SCENES[1], avatar("red", "One two.")]
    render(moved)
    assert len(animate.rendered) == 2
    render([avatar("red", "One two."), SCENES[1], avatar("blue", "Three and four.")])
    assert animate.rendered[2:] == [COLOURS["blue"]]
    render(seed=7)
    assert len(animate.rendered) == 5


def test_a_damaged_part_is_created_again(renderer, animate, render):
    first = render()
    for path in renderer.intermediates.path.iterdir():
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    again = render()
    assert len(animate.rendered) == 4
    assert first.digests == again.digests
    assert first.finished.notes == again.finished.notes
