"""Room styles are valid data."""

import pytest
from pydantic import ValidationError

from darkroom.contract.params import RestyleRoomParams
from darkroom.contract.styles import Style, styles


def test_the_promised_styles_are_there() -> None:
    assert len(styles()) >= 8
    assert {"modern", "scandinavian", "boho", "industrial", "minimalist"} <= set(styles())


@pytest.mark.parametrize("style", styles().values(), ids=list(styles()))
def test_every_style_reads_well(style: Style) -> None:
    assert style.title
    assert style.description.endswith(".")
    assert len(set(style.palette)) == len(style.palette)


def test_unknown_styles_are_refused_with_the_list_of_known_ones() -> None:
    with pytest.raises(ValidationError, match="choose one of: modern"):
        RestyleRoomParams(style="baroque")
