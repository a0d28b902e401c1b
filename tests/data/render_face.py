"""Renderer of portraits of fictional people: heads as signed distance fields, ray-marched with NumPy.

Usage: python -m tests.data.render_face [NAME …]      writes tests/data/face_*.jpg and pipeline/avatars/*.webp

Each portrait depends only on its ``Person`` and ``View``. Spheres are traced as in Hart, Sphere Tracing, 1996.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.data.complexion import shade
from tests.data.head import DISTANCE, EYE_Y, MOUTH_Y, NOTHING, Floats, Person, Scene, View, smooth


class Portrait(NamedTuple):
    """``rgb`` H×W×3 uint8 sRGB; ``alpha`` H×W float32, the person's share; ``points`` 5×2 pixels: eyes, nose, mouth."""

    rgb: NDArray[np.uint8]
    alpha: Floats
    points: Floats


def _encoded(linear: Floats) -> NDArray[np.uint8]:
    shown = linear * (1 + linear / 3.2) / (1 + linear)  # Reinhard with a white point
    return (np.clip(1.12 * shown, 0, 1) ** (1 / 2.2) * 255).round().astype(np.uint8)


def backdrop(width: int, height: int, view: View) -> Floats:
    """A studio's: a soft light behind the head, linear RGB."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    far = np.hypot((x / width - 0.42) * width / height, y / height - 0.40)[..., None]
    bright, dark = (np.float32(colour) for colour in view.background)
    return bright + (dark - bright) * smooth(0.05, 0.85, far)


def render(
    who: Person, view: View, width: int, height: int, *, samples: float = 1.5, behind: Floats | None = None
) -> Portrait:
    """A portrait of ``width`` × ``height`` pixels, before ``behind`` (H×W×3 uint8 sRGB) or a studio's backdrop."""
    scene, high, wide = Scene(who, view), round(height * samples), round(width * samples)
    scale = view.span / min(high, wide)
    y, x = np.mgrid[0:high, 0:wide].astype(np.float32)
    plane = np.stack([(x + 0.5 - view.centre[0] * wide) * scale, (view.centre[1] * high - y - 0.5) * scale], -1)
    aim = np.concatenate([plane, np.zeros_like(plane[..., :1])], -1).reshape(-1, 3)
    origin = np.float32((0, 0.1, DISTANCE))
    ray = aim - origin
    ray /= np.linalg.norm(ray, axis=-1, keepdims=True)
    t = np.full(len(ray), DISTANCE - 1.6, np.float32)
    alive = np.arange(len(ray))
    for _ in range(60):
        d = scene.distance(origin + ray[alive] * t[alive, None])
        t[alive] += 0.8 * d
        alive = alive[(d > 0.0015) & (t[alive] < DISTANCE + 2.2)]
        if not len(alive):
            break
    hit = np.flatnonzero(t < DISTANCE + 1.6)
    colour = np.zeros((len(ray), 3), np.float32)
    part = np.full(len(ray), NOTHING)
    for chunk in np.array_split(hit, max(1, len(hit) // 60_000)):
        point = origin + ray[chunk] * t[chunk, None]
        part[chunk] = scene.parts(point).argmin(-1)
        colour[chunk] = shade(point, part[chunk], scene)
    cover = (part != NOTHING).astype(np.float32).reshape(high, wide)
    linear = np.minimum(colour, 4).reshape(high, wide, 3)
    linear, alpha = (cv2.resize(each, (width, height), interpolation=cv2.INTER_AREA) for each in (linear, cover))
    share = alpha[..., None]
    grain = np.random.default_rng(who.seed).normal(0, 0.004, (height, width, 1)).astype(np.float32)
    person = _encoded(np.clip(linear / np.maximum(share, 1e-3) + grain, 0, None))
    ground = _encoded(np.clip(backdrop(width, height, view) + grain, 0, None)) if behind is None else behind
    rgb = (person * share + ground * (1 - share)).round().astype(np.uint8)
    return Portrait(rgb, alpha, _points(scene, width, height))


def _points(scene: Scene, width: int, height: int) -> Floats:
    m, s = scene.who.mouth, scene.view.smile
    corner = MOUTH_Y + 0.55 * s * (0.2 * m) ** 2
    marks = np.float32(
        [(-0.27, EYE_Y, 0.64), (0.27, EYE_Y, 0.64), (0, -0.22, 0.87), (-0.2 * m, corner, 0.6), (0.2 * m, corner, 0.6)]
    )
    p = scene.world(marks)
    ratio = DISTANCE / (DISTANCE - p[:, 2])
    across, up = p[:, 0] * ratio, 0.1 + (p[:, 1] - 0.1) * ratio
    scale = min(width, height) / scene.view.span
    centre = scene.view.centre
    return np.stack([centre[0] * width + across * scale, centre[1] * height - up * scale], -1)


DATA = Path(__file__).parent
AVATARS = DATA.parents[1] / "darkroom" / "contract" / "avatars"

PEOPLE = {
    "amara": Person(
        skin=(0.22, 0.115, 0.070), lips=(0.27, 0.075, 0.075), iris=(0.045, 0.022, 0.012), hair=(0.012, 0.010, 0.009),
        cloth=(0.50, 0.31, 0.05), jaw=0.90, nose_width=1.15, mouth=1.05, fullness=1.3, eyes=1.08, brows=0.9,
        style="curly", seed=3,
    ),
    "bruno": Person(
        skin=(0.52, 0.32, 0.225), lips=(0.46, 0.19, 0.16), iris=(0.10, 0.055, 0.025), hair=(0.035, 0.022, 0.014),
        cloth=(0.07, 0.10, 0.17), jaw=1.08, nose=1.15, brows=1.35, style="short", beard=0.85, seed=5,
    ),
    "clara": Person(
        skin=(0.70, 0.47, 0.37), lips=(0.62, 0.20, 0.20), iris=(0.11, 0.24, 0.14), hair=(0.30, 0.10, 0.028),
        cloth=(0.06, 0.22, 0.20), width=0.95, jaw=0.86, nose=0.92, eyes=1.1, brows=0.75, style="long", seed=7,
    ),
    "daiki": Person(
        skin=(0.60, 0.41, 0.285), lips=(0.50, 0.22, 0.19), iris=(0.05, 0.028, 0.016), hair=(0.012, 0.011, 0.012),
        cloth=(0.36, 0.37, 0.38), width=1.02, jaw=0.95, nose=0.88, nose_width=1.08, eyes=0.93, style="parted", seed=11,
    ),
    "edith": Person(
        skin=(0.66, 0.45, 0.36), lips=(0.50, 0.21, 0.20), iris=(0.14, 0.24, 0.38), hair=(0.42, 0.41, 0.40),
        cloth=(0.24, 0.07, 0.16), width=0.98, jaw=0.92, eyes=0.96, brows=0.8, style="bob", age=0.9, seed=13,
    ),
    "farid": Person(
        skin=(0.38, 0.215, 0.135), lips=(0.36, 0.14, 0.12), iris=(0.07, 0.035, 0.016), hair=(0.02, 0.016, 0.013),
        cloth=(0.30, 0.09, 0.05), nose=1.18, nose_width=1.05, brows=1.25, style="buzz", beard=0.55, age=0.3, seed=17,
    ),
    "greta": Person(
        skin=(0.72, 0.50, 0.40), lips=(0.60, 0.24, 0.23), iris=(0.13, 0.24, 0.36), hair=(0.48, 0.30, 0.12),
        cloth=(0.50, 0.45, 0.38), width=0.97, jaw=0.90, eyes=1.05, brows=0.8, style="bun", seed=19,
    ),
}  # fmt: skip
STUDIO = {
    "amara": View(yaw=-7, smile=0.7, centre=(0.5, 0.48), span=3.1, background=((0.32, 0.42, 0.40), (0.10, 0.17, 0.17))),
    "bruno": View(yaw=5, smile=0.25, background=((0.42, 0.40, 0.36), (0.16, 0.14, 0.12))),
    "clara": View(yaw=6, roll=3, smile=0.55, background=((0.36, 0.40, 0.46), (0.13, 0.15, 0.20))),
    "daiki": View(yaw=-4, smile=0.3, background=((0.44, 0.34, 0.28), (0.19, 0.13, 0.10))),
    "edith": View(yaw=3, smile=0.5, background=((0.40, 0.38, 0.44), (0.15, 0.14, 0.19))),
    "farid": View(yaw=-5, smile=0.4, background=((0.34, 0.38, 0.30), (0.12, 0.15, 0.10))),
}


def _room(width: int, height: int, left: float) -> Floats:
    """The sample's living room, out of focus, from a share ``left`` of its width on. H×W×3 uint8 sRGB."""
    photo = cv2.cvtColor(cv2.imread(str(DATA / "living_room.jpg")), cv2.COLOR_BGR2RGB)
    cut = round(photo.shape[0] * width / height)
    start = round(left * (photo.shape[1] - cut))
    photo = cv2.resize(photo[:, start : start + cut], (width, height), interpolation=cv2.INTER_AREA)
    return cv2.GaussianBlur(photo, (0, 0), min(width, height) / 90)


def source() -> Portrait:
    """Whose face the demo takes: before a studio's backdrop, upright. 640×800."""
    return render(PEOPLE["greta"], View(yaw=3, smile=0.5, centre=(0.5, 0.46), span=2.9), 640, 800)


def target(width: int = 960, height: int = 720) -> Portrait:
    """Where the demo puts it: somebody at home, a little turned and tilted, in warm light."""
    view = View(yaw=-9, pitch=2, roll=-5, smile=0.6, key=(0.7, 0.5, 0.7), warmth=2.2, centre=(0.42, 0.45), span=3.4)
    return render(PEOPLE["amara"], view, width, height, behind=_room(width, height, 0.5))


def group(width: int = 1200, height: int = 750) -> NDArray[np.uint8]:
    """Three people side by side. H×W×3 uint8 sRGB."""
    picture = _room(width, height, 0.2)
    for name, across, down, span, yaw in (
        ("daiki", 0.20, 0.44, 4.4, 8.0), ("edith", 0.80, 0.50, 4.6, -8.0), ("bruno", 0.50, 0.40, 4.1, 2.0)
    ):  # fmt: skip
        view = replace(STUDIO[name], yaw=yaw, key=(-0.4, 0.6, 0.8), centre=(across, down), span=span)
        picture = render(PEOPLE[name], view, width, height, behind=picture).rgb
    return picture


def main(names: list[str]) -> None:
    """Write the pictures named, all without names."""
    makers = {"source": lambda: source().rgb, "target": lambda: target().rgb, "group": group}
    for name, make in makers.items():
        if not names or name in names:
            picture = cv2.cvtColor(make(), cv2.COLOR_RGB2BGR)
            file = DATA / ("face_group.jpg" if name == "group" else f"face_{name}.jpg")
            cv2.imwrite(str(file), picture, [cv2.IMWRITE_JPEG_QUALITY, 90])
    AVATARS.mkdir(exist_ok=True)
    for name, view in STUDIO.items():
        if not names or name in names:
            picture = cv2.cvtColor(render(PEOPLE[name], view, 512, 512).rgb, cv2.COLOR_RGB2BGR)
            cv2.imwrite(str(AVATARS / f"{name}.webp"), picture, [cv2.IMWRITE_WEBP_QUALITY, 86])


if __name__ == "__main__":
    main(sys.argv[1:])
