"""``render_scenes`` on the models engine, with tiny weights and a stub of the animator's program."""

import numpy as np
import pytest

from bench.random_weights.video import write_stub_program
from darkroom.contract.avatars import avatars
from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.params import Aspect, Profile
from darkroom.contract.results import HALF_SIZE_NOTE, Result
from darkroom.contract.video_params import RenderScenesParams
from pipeline.models.network_registry import SAFETY
from pipeline.models.offload.device import Placement
from pipeline.models.offload.manager import ModelManager
from pipeline.models.stages import text_to_image as draw_module
from pipeline.models.stages.scene_pictures import SCENE_PICTURES, GenerateScenePictures, generate_params
from pipeline.models.stages.text_to_image import TextToImage
from pipeline.models.text_to_image_request import SdxlCanvas
from pipeline.models.workflows.render_scenes import plan
from pipeline.speech.types import SAMPLE_RATE
from pipeline.weights.catalog import catalog
from pipeline.weights.store import WeightStore
from tests.pipeline.scenes.scene_rendering import COLOURS, Reporter, VideoRenderer, write_wav
from tests.pipeline.uninterrupted import decode

SIDE = 128
DITTO = catalog()["ditto"]
GENERATED = {"type": "generated", "prompt": "a red kite", "seconds": 1}
IMAGE = {"type": "image", "picture": "green", "seconds": 1}
AVATAR = {"type": "avatar", "avatar": "face", "script": "One two."}


@pytest.fixture
def models(tiny_weights, tmp_path, monkeypatch):
    monkeypatch.setenv("DARKROOM_PROGRAMS", str(tmp_path / "programs"))
    write_stub_program(tmp_path / "programs" / DITTO.id, DITTO)
    return ModelManager(
        WeightStore(tiny_weights), Placement.for_device("cpu"), long_side=SIDE, accept_research_licence=True
    )


@pytest.fixture
def renderer(tmp_path, models):
    (tmp_path / "studio").mkdir()
    renderer = VideoRenderer(tmp_path / "studio", models)
    renderer.files["face"] = next(iter(avatars().values())).path
    return renderer


@pytest.fixture
def unsafe(models, monkeypatch):
    """Make the safety checker reject every picture."""
    with models.use(SAFETY) as networks:
        monkeypatch.setattr(networks[SAFETY], "unsafe", lambda _picture: True)


def test_generated_uploaded_and_avatar_scenes_become_one_video(renderer):
    reporter = Reporter()
    video = renderer.render(plan(), [GENERATED, IMAGE, AVATAR], reporter, subtitles="file")
    # The words last 0.7 s, with the silence around them 1.32 s in whole frames.
    assert video.frames.shape == (25 + 25 + 33, 360, 360, 3)
    assert video.frames[12].std() > 1
    assert np.abs(video.frames[37].reshape(-1, 3).mean(0) - COLOURS["green"]).max() < 6
    # While somebody speaks, the stand-in darkens the portrait's lower half.
    lower = video.frames[50:, 180:].astype(float).mean((1, 2, 3))
    assert lower[8] < lower[1] - 5
    assert "One two." in video.texts["srt"]
    used = {model.id for model in video.finished.models}
    assert DITTO.id in used
    assert len(used) > 3
    assert any(note.startswith("Scene 3: The animator moves by chance") for note in video.finished.notes)
    assert {"imagine", "scenes", "join"} <= set(reporter.stages)


def test_generated_scenes_use_the_params_of_generate():
    params = RenderScenesParams.model_validate(
        {"scenes": [{**GENERATED, "style": "clay"}, IMAGE], "aspect": "9:16", "seed": 7}
    )
    scene_params = generate_params(params.scenes[0], params)
    assert (scene_params.prompt, scene_params.style, scene_params.aspect, scene_params.seed) == (
        "a red kite",
        "clay",
        Aspect.TALL,
        7,
    )
    assert (scene_params.profile, scene_params.count) == (Profile.FAST, 1)


def test_generated_and_animated_parts_are_reused(renderer, monkeypatch, models):
    first = renderer.render(plan(), [GENERATED, AVATAR])

    def never(*_args):
        raise AssertionError

    monkeypatch.setattr(TextToImage, "run", never)
    (renderer.folder.parent / "programs" / DITTO.id / DITTO.program.file).write_text("raise SystemExit(1)\n")
    again = renderer.render(plan(), [GENERATED, AVATAR])
    assert first.digests == again.digests
    assert first.finished.notes == again.finished.notes
    assert set(first.finished.models) == set(again.finished.models)


def test_an_unsafe_picture_names_its_scene(renderer, unsafe):
    with pytest.raises(DarkroomError, match=r"^Scene 2 \(generated\): .* not safe for work") as raised:
        renderer.render(plan(), [IMAGE, GENERATED])
    assert raised.value.detail.code is ErrorCode.REJECTED_CONTENT
    assert not any(name.startswith("picture-") for name in map(str, renderer.intermediates.path.iterdir()))


def test_a_portrait_without_a_face_names_its_scene(renderer, tmp_path):
    program = tmp_path / "programs" / DITTO.id / DITTO.program.file
    program.write_text('import sys; sys.stderr.write("in _get_eye_info\\n"); sys.exit(1)\n')
    with pytest.raises(DarkroomError, match=r"^Scene 2 \(avatar\): No face was found") as raised:
        renderer.render(plan(), [IMAGE, AVATAR, IMAGE])
    assert raised.value.detail.code is ErrorCode.NO_FACE


def test_a_recorded_voice_without_a_script_is_transcribed(renderer, tmp_path):
    hum = (0.5 * np.sin(np.arange(SAMPLE_RATE) / 30) * np.sin(np.arange(SAMPLE_RATE) / 9000)).astype(np.float32)
    renderer.files["track"] = write_wav(hum, tmp_path / "track.wav")
    scenes = [IMAGE, {"type": "image", "picture": "red", "voice_track": "track"}]
    video = renderer.render(plan(), scenes, subtitles="file")
    # What random weights hear means nothing; but whatever they heard, or did not, is told of that scene.
    notes = ("Scene 2: The subtitles were written by a network", "Scene 2: Nothing that the recorded voice says")
    assert any(note.startswith(notes) for note in video.finished.notes)


def test_a_half_size_picture_adds_a_note(renderer, monkeypatch):
    def too_large(canvas):
        if canvas.scale == full:
            raise MemoryError

    full = SdxlCanvas.for_aspect(Aspect.SQUARE, SIDE).scale
    draw = draw_module._generate
    monkeypatch.setattr(draw_module, "_generate", lambda context, canvas: too_large(canvas) or draw(context, canvas))
    notes = renderer.render(plan(), [IMAGE, GENERATED]).finished.notes
    assert f"Scene 2: {HALF_SIZE_NOTE}" in notes
    assert not Result(pictures=[], engine=Engine.MODELS, notes=list(notes)).cacheable


def test_the_picture_has_the_videos_aspect(renderer):
    context = renderer.context([GENERATED, IMAGE], aspect="9:16")
    GenerateScenePictures().run(context)
    assert list(context[SCENE_PICTURES]) == [0]
    assert decode(context[SCENE_PICTURES][0]).rgb.shape == (168, 96, 3)
