"""``face_swap`` on the preview engine, on portraits of our own."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.kinds import Kind
from darkroom.contract.params import FaceSwapParams
from pipeline.core.runner import PlanResult, Runner
from pipeline.core.stages import JobAbandoned, StageContext
from pipeline.imaging.faces import face_mask
from pipeline.plans import get_plan
from pipeline.preview.faces.detection import detect_faces
from pipeline.preview.workflows.face_swap import swap_face
from tests.paths import DATA

SOURCE, TARGET, GROUP, ROOM = (
    DATA / name for name in ("face_source.jpg", "face_target.jpg", "face_group.jpg", "living_room.jpg")
)


class StoppingReporter:
    """Reporter that ends the job at the progress ``stop``."""

    def __init__(self, stop: float = 2.0) -> None:
        self.stop = stop

    def report(self, progress: float, *_: object) -> None:
        if progress >= self.stop:
            raise JobAbandoned

    def check(self) -> None:
        """Continue the job."""

    def report_progress_image(self, picture: np.ndarray) -> None:
        """Discard the progress image."""


Swap = Callable[..., PlanResult]


@pytest.fixture
def swap(tmp_path: Path) -> Swap:
    def run(source: Path, target: Path, **params: object) -> PlanResult:
        given = FaceSwapParams.model_validate({"consent": True, "format": "png", **params})
        context = StageContext(given, {"source": source, "target": target}, tmp_path)
        return Runner().run(get_plan(Kind.FACE_SWAP, Engine.PREVIEW), context, StoppingReporter())

    return run


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def result(finished: PlanResult) -> np.ndarray:
    return pixels(next(each.path for each in finished.files if each.name == "result"))


def small(path: Path, folder: Path, side: int, **save: object) -> Path:
    with Image.open(path) as image:
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        target = folder / f"small_{path.stem}_{side}.png"
        image.save(target, **save)
    return target


def test_the_face_is_replaced_and_no_other_pixel_changes(swap: Swap) -> None:
    before, after = pixels(TARGET), result(finished := swap(SOURCE, TARGET))
    (face,) = detect_faces(before)
    changed = (before != after).any(-1)
    assert not changed[face_mask(face.landmarks, *before.shape[:2]) == 0].any()
    assert changed.mean() > 0.05
    # The source's eyes are blue, the target's brown; the skin keeps its place's colour.
    for x, y in np.rint(face.landmarks[:2]).astype(int):
        patch = np.s_[y - 9 : y + 10, x - 9 : x + 10]
        blueness = [
            picture[patch].astype(int)[..., 2].mean() - picture[patch].mean((0, 1))[0] for picture in (before, after)
        ]
        assert blueness[1] > blueness[0] + 20
    cheek = np.s_[360:380, 250:280]
    assert np.abs(after[cheek].mean((0, 1)) - before[cheek].mean((0, 1))).max() < 45
    assert [(each.label, each.kept) for each in finished.objects] == [("face", False)]
    assert any("preview" in note.lower() for note in finished.notes)


def test_the_results_metadata_marks_it_as_a_composite(swap: Swap) -> None:
    finished = swap(SOURCE, TARGET, format="jpeg")
    assert b"compositeWithTrainedAlgorithmicMedia" in finished.files[0].path.read_bytes()


@pytest.mark.parametrize(("faces", "kept"), [("all", [0, 0, 0]), ("largest", [1, 0, 1]), (2, [1, 1, 0])])
def test_the_chosen_faces_of_a_group_are_replaced(swap: Swap, tmp_path: Path, faces: object, kept: list[bool]) -> None:
    group = small(GROUP, tmp_path, 560)
    finished = swap(small(SOURCE, tmp_path, 400), group, faces=faces)
    assert [each.kept for each in finished.objects] == [bool(each) for each in kept]
    changed = (pixels(group) != result(finished)).any(-1)
    for each in finished.objects:
        left, top, right, bottom = (round(edge) for edge in each.box)
        assert (changed[top:bottom, left:right].mean() > 0.3) is not each.kept


@pytest.mark.parametrize(
    ("source", "target", "params", "code", "words"),
    [
        (ROOM, TARGET, {}, ErrorCode.NO_FACE, "source picture"),
        (SOURCE, ROOM, {}, ErrorCode.NO_FACE, "target picture"),
        (GROUP, TARGET, {}, ErrorCode.SEVERAL_FACES, "3 faces"),
        (GROUP, TARGET, {"source_face": 3}, ErrorCode.NO_FACE, "3 faces"),
        (SOURCE, GROUP, {"faces": "3"}, ErrorCode.NO_FACE, "3 faces"),
    ],
)
def test_errors_name_the_picture_and_a_remedy(
    swap: Swap, tmp_path: Path, source: Path, target: Path, params: dict[str, object], code: ErrorCode, words: str
) -> None:
    with pytest.raises(DarkroomError) as raised:
        swap(small(source, tmp_path, 480), small(target, tmp_path, 480), **params)
    assert raised.value.detail.code is code
    assert words in str(raised.value)


def test_a_face_turned_sideways_is_rejected(swap: Swap, tmp_path: Path) -> None:
    with Image.open(small(TARGET, tmp_path, 480)) as image:
        image.rotate(90, expand=True).save(tmp_path / "side.png")
    with pytest.raises(DarkroomError) as raised:
        swap(small(SOURCE, tmp_path, 400), tmp_path / "side.png")
    assert raised.value.detail.code is ErrorCode.NO_FACE


@pytest.mark.parametrize(
    ("change", "words"),
    [("upside down", "upside down"), ("sunglasses", "eyes of the face"), ("mask", "mouth of the face")],
)
def test_a_face_that_is_not_seen_is_refused(swap: Swap, tmp_path: Path, change: str, words: str) -> None:
    picture = pixels(small(DATA / "face_source.jpg", tmp_path, 512)).copy()
    (face,) = detect_faces(picture)
    unit = round(float(np.hypot(*(face.landmarks[1] - face.landmarks[0]))))
    if change == "upside down":
        picture = np.ascontiguousarray(picture[::-1])
    elif change == "sunglasses":
        for x, y in np.rint(face.landmarks[:2]).astype(int).tolist():
            cv2.circle(picture, (x, y), round(0.4 * unit), (12, 12, 12), -1)
    else:
        x, y = np.rint(face.landmarks[3:].mean(0)).astype(int).tolist()
        cv2.ellipse(picture, (x, y), (round(0.75 * unit), round(0.5 * unit)), 0, 0, 360, (90, 150, 200), -1)
    Image.fromarray(picture).save(tmp_path / "changed.png")
    with pytest.raises(DarkroomError) as raised:
        swap(small(TARGET, tmp_path, 400), tmp_path / "changed.png")
    assert raised.value.detail.code is ErrorCode.NO_FACE
    if change != "mask":  # with one, the cascade may find no face at all
        assert words in str(raised.value)


def test_a_chosen_face_of_a_group_can_be_the_source(swap: Swap, tmp_path: Path) -> None:
    group, target = small(GROUP, tmp_path, 560), small(TARGET, tmp_path, 480)
    smooth, bearded = (result(swap(group, target, source_face=number)) for number in (0, 1))
    (face,) = detect_faces(pixels(target))
    x, y = np.rint(face.landmarks[3:].mean(0)).astype(int)
    chin = np.s_[y + 20 : y + 30, x - 10 : x + 10]
    assert bearded[chin].mean() < smooth[chin].mean()


def test_the_exif_orientation_is_applied_before_the_swap(swap: Swap, tmp_path: Path) -> None:
    turned, exif = tmp_path / "turned.png", Image.Exif()
    exif[0x0112] = 6
    source, target = small(SOURCE, tmp_path, 400), small(TARGET, tmp_path, 480)
    with Image.open(target) as image:
        image.transpose(Image.Transpose.ROTATE_90).save(turned, exif=exif)
    assert np.array_equal(result(swap(source, turned)), result(swap(source, target)))


@pytest.mark.parametrize("side", [48, 128])
def test_small_pictures_are_swapped_or_rejected_with_no_face(swap: Swap, tmp_path: Path, side: int) -> None:
    target = small(TARGET, tmp_path, side)
    try:
        after = result(swap(small(SOURCE, tmp_path, 400), target))
    except DarkroomError as error:
        assert error.detail.code is ErrorCode.NO_FACE
        assert side < 64
    else:
        assert (after != pixels(target)).any()


def test_a_grey_picture_stays_grey(swap: Swap, tmp_path: Path) -> None:
    with Image.open(small(TARGET, tmp_path, 480)) as image:
        image.convert("L").save(tmp_path / "grey.png")
    after = result(swap(small(SOURCE, tmp_path, 400), tmp_path / "grey.png")).astype(int)
    assert np.ptp(after, axis=-1).mean() < 2


def test_tilted_faces_are_detected_at_their_position() -> None:
    upright = pixels(TARGET)
    (face,) = detect_faces(upright)
    height, width = upright.shape[:2]
    spin = cv2.getRotationMatrix2D((width / 2, height / 2), 25, 1.0)
    (tilted,) = detect_faces(
        np.asarray(cv2.warpAffine(upright, spin, (width, height), borderMode=cv2.BORDER_REPLICATE))
    )
    expected = face.landmarks @ spin[:, :2].T + spin[:, 2]
    assert np.hypot(*(tilted.landmarks - expected)[:2].T).max() < 12


def test_a_face_at_the_border_is_pasted_within_the_picture() -> None:
    source, target = pixels(SOURCE), pixels(TARGET)
    (taken,), (given,) = detect_faces(source), detect_faces(target)
    for shift in ((-330, 0), (560, 0), (0, -290), (0, 400), (-900, 0)):
        moved = type(given)(given.box, given.landmarks + np.float32(shift), given.score)
        canvas = target.copy()
        swap_face(source, taken, canvas, moved)
        assert not (canvas != target).any(-1)[face_mask(moved.landmarks, *target.shape[:2]) == 0].any()


def test_where_the_source_shows_no_face_the_target_keeps_its_own() -> None:
    """The source's picture ends between the eyes: nothing but the target's own pixels is seen beyond its edge."""
    source, target = pixels(SOURCE), pixels(TARGET)
    (taken,), (given,) = detect_faces(source), detect_faces(target)
    middle = round(float(taken.landmarks[:2, 0].mean()))
    canvas = target.copy()
    swap_face(np.ascontiguousarray(source[:, :middle]), taken, canvas, given)
    changed = np.abs(canvas.astype(int) - target).max(-1)
    left, right = given.landmarks[0], given.landmarks[1]
    rows = slice(int(left[1]) - 20, int(left[1]) + 60)
    assert (changed[rows, int(left[0]) - 10 : int(left[0]) + 10] > 0).mean() > 0.9
    assert not changed[rows, int(right[0]) - 10 :].any()


def test_a_cancelled_job_stops_before_the_faces_are_swapped(tmp_path: Path) -> None:
    context = StageContext(FaceSwapParams(consent=True), {"source": SOURCE, "target": TARGET}, tmp_path)
    with pytest.raises(JobAbandoned):
        Runner().run(get_plan(Kind.FACE_SWAP, Engine.PREVIEW), context, StoppingReporter(stop=0.3))
    assert not any(tmp_path.iterdir())
