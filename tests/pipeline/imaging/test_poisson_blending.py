"""Poisson's equation, on functions that solve it, and blending on fills whose right result is known."""

from collections.abc import Callable

import numpy as np
import pytest

from pipeline.imaging import poisson_blending
from pipeline.imaging.poisson_blending import poisson_blended, solve_poisson

Y, X = (axis.astype(np.float32) / 10 for axis in np.mgrid[:64, :72])
DISC = (Y - 3.1) ** 2 + (X - 3.3) ** 2 < 2.4**2


@pytest.mark.parametrize(
    ("function", "laplacian"),
    [
        (lambda x, y: 3 * x - 2 * y + 1, 0.0),
        (lambda x, y: x * x - y * y, 0.0),
        (lambda x, y: x * y, 0.0),
        (lambda x, y: x * x + y * y, -0.04),
        (lambda x, y: y - 3 * x * x, 0.06),
    ],
    ids=["plane", "saddle", "product", "bowl", "ridge"],
)
def test_the_solution_is_the_function_with_that_laplacian(
    function: Callable[[np.ndarray, np.ndarray], np.ndarray], laplacian: float
) -> None:
    truth = np.repeat(function(X, Y)[..., None], 3, -1).astype(np.float32)
    boundary = np.where(DISC[..., None], np.float32(99), truth)  # what lies in the hole is not read
    found = solve_poisson(boundary, np.full_like(truth, laplacian), DISC)
    assert np.abs(found - truth)[DISC].max() < 0.01 * np.ptp(truth)


def test_every_channel_is_solved_for_itself() -> None:
    truth = np.stack([X, 2 * Y, 5 - X], -1)
    found = solve_poisson(np.where(DISC[..., None], np.float32(0), truth), np.zeros_like(truth), DISC)
    assert np.all(np.abs(found - truth)[DISC].max(0) < 0.01 * np.ptp(truth, axis=(0, 1)))


def test_at_the_pictures_border_the_fill_goes_on_level() -> None:
    hole = np.zeros((40, 50), bool)
    hole[:, 30:] = True
    boundary = np.full((40, 50, 3), 7, np.float32)
    assert np.abs(solve_poisson(boundary, np.zeros_like(boundary), hole)[hole] - 7).max() < 0.02


@pytest.mark.parametrize("screening", [1 / 64, 1 / 9])
def test_screening_ends_the_boundarys_influence(screening: float) -> None:
    """On a half plane the solution is a geometric sequence: q + 1/q = 2 + screening."""
    hole = np.zeros((40, 120), bool)
    hole[:, 1:] = True
    boundary = np.zeros((40, 120, 3), np.float32)
    boundary[:, 0] = 1
    found = solve_poisson(boundary, np.zeros_like(boundary), hole, screening)[20, :30, 0]
    half = 1 + screening / 2
    ratio = half - np.sqrt(half * half - 1)
    assert found == pytest.approx(ratio ** np.arange(30), abs=0.01)


@pytest.mark.parametrize("limit", [400_000, 2_000])
def test_a_fill_that_differs_by_a_slope_is_corrected(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    """The photo is its own fill, but for a colour cast that rises from left to right; above a limit, at less detail."""
    monkeypatch.setattr(poisson_blending, "MAX_SOLVED_PIXELS", limit)
    texture = np.random.default_rng(1).integers(90, 130, (64, 72, 3))
    cast = np.rint(X * 4)[..., None].astype(int) * (1, -1, 0) + (0, 20, -15)
    found = poisson_blended(texture.astype(np.uint8), (texture + cast).astype(np.uint8), DISC).astype(int)
    assert np.array_equal(found[~DISC], texture[~DISC])
    assert np.percentile(np.abs(found - texture)[DISC], 99) <= 2
    assert np.abs((found - texture)[DISC].mean(0)).max() < 0.7


def test_a_hole_of_the_whole_picture_is_the_fill() -> None:
    photo, filled = np.full((20, 20, 3), 10, np.uint8), np.full((20, 20, 3), 200, np.uint8)
    assert np.array_equal(poisson_blended(photo, filled, np.ones((20, 20), bool)), filled)
    assert np.array_equal(poisson_blended(photo, filled, np.zeros((20, 20), bool)), photo)
