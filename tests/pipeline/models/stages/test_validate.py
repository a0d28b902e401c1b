from contextlib import contextmanager
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.params import Profile, RestyleRoomParams, Room
from darkroom.contract.results import Quality
from darkroom.contract.styles import styles
from pipeline.core.artifacts import PHOTO, QUALITY, ROOM, SEED
from pipeline.core.networks import LoadedNetworks
from pipeline.core.stages import JobAbandoned, StageContext
from pipeline.imaging.composite import composite
from pipeline.models.artifacts import DEPTH, DETECTIONS, EDGES, KEEP_MASK
from pipeline.models.interfaces import Detection
from pipeline.models.letterbox import Letterbox
from pipeline.models.network_registry import (
    CONTROLNETS,
    DETECTOR,
    IMAGE_TEXT,
    SAFETY,
    SD15_FEW_STEP_UNET,
    STABLE_DIFFUSION,
)
from pipeline.models.stages import scores
from pipeline.models.stages.denoising import DENOISED, SELECTED, DenoisedPicture
from pipeline.models.stages.edges import find_edges
from pipeline.models.stages.validate import Validate

SOFA = Detection("couch", (8, 40, 60, 80), 0.9)
PLANT = Detection("potted plant", (70, 10, 90, 50), 0.6)


def scene(height=96, width=128):
    """Rectangles with texture, in every brightness: edges all over, and detail."""
    rng = np.random.default_rng(3)
    picture = np.full((height, width, 3), 200, np.uint8)
    for _ in range(8):
        top, left = rng.integers(0, height - 20), rng.integers(0, width - 20)
        picture[top : top + 20, left : left + 24] = rng.integers(10, 245, 3)
    return np.clip(picture + rng.normal(0, 3, picture.shape), 0, 255).astype(np.uint8)


class FakeNetworks:
    """All networks in one: detects what the test sets, and generates ``pictures`` by seed."""

    def __init__(self, pictures=None, unsafe=(), seen=(SOFA, PLANT), wins=True):
        self.pictures, self.nsfw, self.seen, self.wins = pictures or {}, unsafe, seen, wins
        self.generated = []
        self.long_side = 128
        self.freed = 0

    @contextmanager
    def use(self, *networks):
        yield LoadedNetworks(dict.fromkeys(networks, self))

    def release_idle(self):
        self.freed += 1

    def models_used(self, _networks):
        return ()

    def unsafe(self, picture):
        return any(np.array_equal(picture, each) for each in self.nsfw)

    def similarities(self, photo, captions):
        good = self.wins if isinstance(self.wins, bool) else self.wins(photo)
        ours = next(i for i, words in enumerate(captions) if "Modern kitchen" in words)
        return np.array([0.3 if (i == ours) == good else 0.1 for i in range(len(captions))], np.float32)

    def detect(self, _photo):
        return self.seen

    def truncated_tail(self, _prompt):
        return ""

    def image_to_image(self, request, _unet, _controls, on_step):
        self.generated.append(request)
        on_step(1, 1, lambda: request.photo)
        picture = self.pictures[request.seed]
        if isinstance(picture, Exception):
            raise picture
        return picture


def context_for(tmp_path, models, generated, *, seed=42, report=lambda *_: None):
    photo = scene()
    fit = Letterbox(96, 128, 96, 128)
    params = RestyleRoomParams(style="modern", room=Room.KITCHEN, profile=Profile.FAST, seed=seed)
    context = StageContext(params, {}, tmp_path, report, network_provider=models)
    context[PHOTO], context[ROOM], context[KEEP_MASK], context[DETECTIONS] = photo, None, None, (SOFA, PLANT)
    context[DEPTH], context[EDGES] = np.zeros((96, 128), np.uint8), find_edges(photo)
    context[DENOISED] = DenoisedPicture(generated, seed, fit)
    return context


def validated(context):
    context.enter_stage(Validate())
    Validate().run(context)
    context.enter_stage(None)
    return context


GOOD, BLACK = scene(), np.zeros((96, 128, 3), np.uint8)


def test_a_good_picture_is_selected_unchanged(tmp_path):
    models = FakeNetworks()
    context = validated(context_for(tmp_path, models, GOOD))
    assert context[QUALITY] == Quality.from_scores(structure=1, style=1, visual=1, objects=1)
    assert context[SELECTED].picture is GOOD
    assert context[SEED] == 42
    assert not context.notes
    assert not models.generated


def test_an_unsafe_picture_is_rejected_at_any_quality(tmp_path):
    models = FakeNetworks(unsafe=[GOOD])
    with pytest.raises(DarkroomError) as raised:
        validated(context_for(tmp_path, models, GOOD))
    assert raised.value.detail.code is ErrorCode.REJECTED_CONTENT
    assert not raised.value.detail.retryable


def test_a_poor_picture_is_retried_with_the_next_seed_and_the_better_kept(tmp_path):
    models = FakeNetworks({43: GOOD}, wins=lambda picture: picture is not BLACK and picture.any())
    messages = []
    context = validated(
        context_for(tmp_path, models, BLACK, report=lambda _fraction, message: messages.append(message))
    )
    np.testing.assert_array_equal(context[SELECTED].picture, GOOD)
    assert context[SEED] == 43
    assert context[QUALITY].passed
    assert any("another seed" in message for message in messages)
    assert any("twice" in note for note in context.notes)


def test_the_first_picture_is_kept_if_the_second_is_not_better(tmp_path):
    models = FakeNetworks({43: BLACK}, seen=(), wins=False)
    context = validated(context_for(tmp_path, models, np.full_like(BLACK, 90)))
    assert context[SEED] == 42
    assert context[SELECTED].picture[0, 0, 0] == 90
    assert any("have a look" in note for note in context.notes)


def test_a_picture_is_retried_only_once(tmp_path):
    models = FakeNetworks({43: BLACK}, seen=(), wins=False)
    validated(context_for(tmp_path, models, BLACK))
    assert [request.seed for request in models.generated] == [43]


def test_the_next_seed_wraps_around(tmp_path):
    models = FakeNetworks({0: GOOD}, seen=(), wins=False)
    validated(context_for(tmp_path, models, BLACK, seed=2**32 - 1))
    assert [request.seed for request in models.generated] == [0]


@pytest.mark.parametrize(
    "second", [GOOD, MemoryError(), FloatingPointError()], ids=["unsafe", "no memory", "no numbers"]
)
def test_the_first_picture_is_kept_if_the_second_is_unsafe(tmp_path, second):
    models = FakeNetworks({43: second}, unsafe=[GOOD], seen=(), wins=False)
    context = validated(context_for(tmp_path, models, BLACK))
    assert context[SEED] == 42
    assert context[SELECTED].picture is BLACK
    assert context.unsafe_progress_images is (second is GOOD)


def test_a_job_cancelled_during_the_retry_stops(tmp_path):
    def report(_fraction, _message):
        raise JobAbandoned

    with pytest.raises(JobAbandoned):
        validated(context_for(tmp_path, FakeNetworks({43: GOOD}, seen=(), wins=False), BLACK, report=report))


def test_a_mediocre_picture_is_kept_with_a_note(tmp_path):
    models = FakeNetworks(wins=False, seen=(SOFA,))
    context = validated(context_for(tmp_path, models, GOOD))
    assert scores.RETRY_BELOW <= context[QUALITY].score < 0.75
    assert not models.generated
    assert any("have a look" in note for note in context.notes)


def test_every_used_network_is_declared():
    assert {SAFETY, IMAGE_TEXT, DETECTOR, STABLE_DIFFUSION, SD15_FEW_STEP_UNET, CONTROLNETS} <= set(Validate.networks)


def test_the_structure_score_of_the_photo_itself_is_one():
    assert scores.structure(find_edges(GOOD), GOOD) == 1


def test_the_structure_score_tolerates_one_pixel_but_not_ten():
    near, far = np.roll(GOOD, 1, axis=1), np.roll(GOOD, 11, axis=(0, 1))
    assert scores.structure(find_edges(GOOD), near) > 0.95
    assert scores.structure(find_edges(GOOD), far) < 0.5


def test_the_structure_score_of_flat_and_noisy_pictures_is_zero():
    noise = np.random.default_rng(0).integers(0, 256, GOOD.shape, dtype=np.uint8)
    assert scores.structure(find_edges(GOOD), BLACK) == 0
    assert scores.structure(find_edges(GOOD), noise) < 0.2


def test_without_edges_the_structure_score_is_one():
    assert scores.structure(np.zeros((96, 128), np.uint8), GOOD) == 1


def test_the_visual_score_falls_with_blur_and_clipping():
    blurred = cv2.GaussianBlur(GOOD, (0, 0), 3)
    glaring = np.clip(GOOD.astype(int) * 2, 0, 255).astype(np.uint8)
    assert scores.visual(GOOD, GOOD) == 1
    assert scores.visual(GOOD, blurred) < 0.6
    assert scores.visual(GOOD, glaring) < scores.visual(GOOD, np.clip(GOOD.astype(int) + 10, 0, 252).astype(np.uint8))
    assert scores.visual(GOOD, BLACK) == 0


def test_the_visual_score_falls_with_noise_but_not_with_patterns():
    chance = np.random.default_rng(0)
    patterned = np.clip(GOOD + chance.normal(0, 4, GOOD.shape), 0, 255).astype(np.uint8)
    assert scores.visual(GOOD, patterned) == pytest.approx(1, abs=0.01)
    assert scores.visual(GOOD, chance.integers(0, 256, GOOD.shape, dtype=np.uint8)) < 0.8


def test_equal_similarities_give_a_style_score_of_one_half():
    assert scores.style(np.full(len(styles()), 0.25, np.float32), 3) == 0.5


@given(st.lists(st.floats(-1, 1, width=32), min_size=2, max_size=12), st.data())
def test_the_style_score_grows_with_the_similarity_to_the_wanted_style(values, data):
    similarities = np.array(values, np.float32)
    wanted = data.draw(st.integers(0, len(values) - 1))
    more = similarities.copy()
    more[wanted] += 0.05
    assert 0 <= scores.style(similarities, wanted) <= scores.style(more, wanted) <= 1


def test_objects_are_weighted_by_their_scores():
    moved = SimpleNamespace(label="potted plant", box=(100, 10, 120, 50), score=0.9)
    assert scores.objects((SOFA, PLANT), (SOFA, moved)) == pytest.approx(0.9 / 1.5)
    assert scores.objects((SOFA,), ()) == 0
    assert scores.objects((), (SOFA,)) is None


def test_one_detection_matches_only_one_object():
    assert scores.objects((SOFA, SOFA), (SOFA,)) == 0.5


def test_an_object_of_another_class_does_not_match():
    assert scores.objects((SOFA,), (Detection("bed", SOFA.box, 0.9),)) == 0


@given(st.integers(0, 2**16))
def test_kept_pixels_are_the_photos_and_distant_ones_generated(seed):
    rng = np.random.default_rng(seed)
    photo, generated = rng.integers(0, 256, (2, 60, 90, 3), dtype=np.uint8)
    kept = np.zeros((60, 90), bool)
    top, left, height, width = rng.integers(0, 50), rng.integers(0, 80), rng.integers(1, 20), rng.integers(1, 20)
    kept[top : top + height, left : left + width] = True
    result = composite(photo, generated, kept)
    np.testing.assert_array_equal(result[kept], photo[kept])
    near = cv2.dilate(kept.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    np.testing.assert_array_equal(result[~near], generated[~near])


def test_the_photo_fades_out_beside_kept_pixels():
    photo, generated = np.full((300, 300, 3), 200, np.uint8), np.zeros((300, 300, 3), np.uint8)
    kept = np.zeros((300, 300), bool)
    kept[:, :150] = True
    row = composite(photo, generated, kept)[10, 145:160, 0].astype(int)
    assert (np.diff(row) <= 0).all()
    assert 0 < row[5] < 200


def test_without_a_keep_mask_the_picture_is_returned():
    generated = np.zeros((8, 8, 3), np.uint8)
    assert composite(generated + 9, generated, None) is generated
    assert composite(generated + 9, generated, np.zeros((8, 8), bool)) is generated
