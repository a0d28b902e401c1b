"""Comparison sheets of pictures of any size, under labels of any length."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from infra.commands.comparison_sheet import BAND, DETAIL, GAP, HEIGHT, details, marked, side_by_side

sizes = st.tuples(st.integers(1, 900), st.integers(1, 900))


@given(panels=st.lists(st.tuples(st.text(max_size=60), sizes), min_size=1, max_size=3))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_sheet_shows_pictures_of_any_size_side_by_side(
    tmp_path: Path, panels: list[tuple[str, tuple[int, int]]]
) -> None:
    pictures = [(label, Image.new("RGB", size, "#808080")) for label, size in panels]
    with Image.open(side_by_side(pictures, tmp_path / "sheet.png")) as sheet:
        assert sheet.height == min(HEIGHT, *(size[1] for _, size in panels)) + BAND + GAP
        assert sheet.width >= (len(panels) + 1) * GAP + len(panels)


@given(small=sizes, scale=st.floats(1, 4), mask=sizes)
@settings(max_examples=40, deadline=None)
def test_details_and_masks_work_for_pictures_of_any_size(
    small: tuple[int, int], scale: float, mask: tuple[int, int]
) -> None:
    photo = Image.new("RGB", small, "#808080")
    large = photo.resize((round(small[0] * scale), round(small[1] * scale)))
    shown = [picture.size for _, picture in details(photo, large, photo)]
    assert shown == [shown[0]] * 3
    assert 1 < min(shown[0]) <= max(shown[0]) <= 2 * DETAIL
    assert marked(photo, Image.new("L", mask, 255)).size == small
