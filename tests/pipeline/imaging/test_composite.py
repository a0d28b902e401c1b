"""Compositing: kept pixels are the photo's, distant ones the painted, and between them the photo fades out."""

import numpy as np
import pytest

from pipeline.imaging.composite import composite

PHOTO, GENERATED = np.full((80, 100, 3), 200, np.uint8), np.full((80, 100, 3), 100, np.uint8)


def kept() -> np.ndarray:
    mask = np.zeros((80, 100), bool)
    mask[30:50, 40:60] = True
    return mask


@pytest.mark.parametrize(("feather", "reach"), [(0.1, 11.0), (0.05, 6.0), (0.0, 2.0)])
def test_the_photo_fades_out_over_the_feather(feather: float, reach: float) -> None:
    result = composite(PHOTO, GENERATED, kept(), feather=feather)
    assert (result[kept()] == 200).all()
    for distance in range(1, 20):
        share = 0.5 + 0.5 * np.cos(np.pi * min(distance / reach, 1))
        across, upward = result[40, 59 + distance, 0], result[30 - distance, 50, 0]
        assert across == upward == pytest.approx(100 + 100 * share, abs=0.51)


def test_a_mask_at_the_border_is_kept_up_to_it() -> None:
    corner = np.zeros((80, 100), bool)
    corner[60:, 90:] = True
    result = composite(PHOTO, GENERATED, corner, feather=0.1)
    assert (result[60:, 90:] == 200).all()
    assert result[70, 85, 0] > 100
    assert (result[:45, :75] == 100).all()


def test_without_a_mask_nothing_is_kept() -> None:
    assert composite(PHOTO, GENERATED, None) is GENERATED
    assert np.array_equal(composite(PHOTO, GENERATED, np.zeros((80, 100), bool)), GENERATED)
    assert (GENERATED == 100).all()
