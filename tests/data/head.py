"""Head and shoulders as signed distance fields, and the parameters of a person and of a view.

Coordinates are the head's: x to the viewer's right, y up, z towards the viewer; a head is some 2 high. Distances are
Quilez's usual approximations.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]
Colour = tuple[float, float, float]

DISTANCE = 7.5  # of the camera from the head
SKIN, HAIR, CLOTH, NOTHING = 0, 1, 2, 3
EYE_Y = 0.06
MOUTH_Y = -0.50


@dataclass(frozen=True)
class Person:
    """An identity. Colours are linear RGB; lengths are factors of an average face."""

    skin: Colour = (0.62, 0.40, 0.30)
    lips: Colour = (0.55, 0.20, 0.18)
    iris: Colour = (0.10, 0.20, 0.30)
    hair: Colour = (0.06, 0.035, 0.02)
    cloth: Colour = (0.10, 0.16, 0.25)
    width: float = 1.0
    jaw: float = 1.0
    chin: float = 1.0
    nose: float = 1.0
    nose_width: float = 1.0
    mouth: float = 1.0
    fullness: float = 1.0
    eyes: float = 1.0
    brows: float = 1.0
    style: str = "short"
    beard: float = 0.0
    age: float = 0.0
    seed: int = 1


@dataclass(frozen=True)
class View:
    """How a person is seen. Angles are degrees; ``key`` points to the main light; ``smile`` is -1 to 1."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    smile: float = 0.3
    key: tuple[float, float, float] = (-0.55, 0.6, 0.75)
    warmth: float = 1.0
    centre: tuple[float, float] = (0.5, 0.44)
    span: float = 2.95
    background: tuple[Colour, Colour] = ((0.30, 0.34, 0.38), (0.10, 0.12, 0.15))


def smooth(low: float, high: float, value: Floats) -> Floats:
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def ellipsoid(p: Floats, centre: Colour, radii: Colour) -> Floats:
    q = p - np.float32(centre)
    r = np.float32(radii)
    k0 = np.sqrt(((q / r) ** 2).sum(-1))
    k1 = np.sqrt(((q / (r * r)) ** 2).sum(-1)) + 1e-6
    return k0 * (k0 - 1) / k1


def capsule(p: Floats, a: Colour, b: Colour, thin: float, thick: float) -> Floats:
    """From ``a`` with the radius ``thin`` to ``b`` with ``thick``."""
    start, along = np.float32(a), np.float32(b) - np.float32(a)
    t = np.clip(((p - start) @ along) / float(along @ along), 0, 1)
    return np.sqrt(((p - start - t[..., None] * along) ** 2).sum(-1)) - (thin + (thick - thin) * t)


def union(a: Floats, b: Floats, k: float) -> Floats:
    h = np.maximum(k - np.abs(a - b), 0) / k
    return np.minimum(a, b) - h * h * k / 4


def without(a: Floats, b: Floats, k: float) -> Floats:
    return -union(-a, b, k)


def noise(p: Floats, seed: int) -> Floats:
    """Value noise in [-1, 1] on the integer lattice."""
    table = np.random.default_rng(seed).uniform(-1, 1, 4096).astype(np.float32)
    cell = np.floor(p).astype(np.int64)
    f = (p - cell).astype(np.float32)
    f = f * f * (3 - 2 * f)
    total = np.zeros(p.shape[:-1], np.float32)
    for corner in range(8):
        bits = np.array([corner & 1, corner >> 1 & 1, corner >> 2 & 1])
        lattice = cell + bits
        index = (lattice[..., 0] * 73 + lattice[..., 1] * 179 + lattice[..., 2] * 283) % 4096
        total += table[index] * np.where(bits, f, 1 - f).prod(-1)
    return total


def _face(p: Floats, who: Person, view: View) -> Floats:
    """Distance to the bare head."""
    q = np.concatenate([np.abs(p[..., :1]), p[..., 1:]], -1)  # the right half is the left one's mirror
    w, j, n = who.width, who.jaw, who.nose
    d = ellipsoid(p, (0, 0.32, -0.12), (0.74 * w, 0.76, 0.84))
    d = union(d, ellipsoid(p, (0, -0.18, 0.08), (0.60 * w, 0.78, 0.62)), 0.25)
    d = union(d, ellipsoid(q, (0.34 * w * j, -0.52, 0.02), (0.20 * j, 0.30, 0.36)), 0.32)
    d = union(d, ellipsoid(p, (0, -0.80 * who.chin, 0.36), (0.22 * j, 0.16, 0.20)), 0.30)
    d = union(d, ellipsoid(q, (0.34 * w, -0.20 + 0.03 * view.smile, 0.42), (0.19, 0.17, 0.18)), 0.25)
    d = union(d, ellipsoid(q, (0.24, 0.24, 0.56), (0.24, 0.07, 0.10)), 0.18)
    d = without(d, ellipsoid(q, (0.27, EYE_Y, 0.84), (0.19, 0.13, 0.17)), 0.16)
    d = union(d, ellipsoid(q, (0.265, EYE_Y, 0.50), (0.19, 0.155, 0.165)), 0.03)
    tip = -0.22 - 0.06 * (n - 1)
    d = union(d, capsule(p, (0, 0.14, 0.62), (0, tip, 0.80 + 0.08 * (n - 1)), 0.055, 0.085), 0.13)
    d = union(d, ellipsoid(q, (0.10 * who.nose_width, tip - 0.035, 0.69), (0.070, 0.060, 0.085)), 0.07)
    m, s = who.mouth, view.smile
    bend = q[..., 0] ** 2 * s * 0.55
    lip = np.stack([q[..., 0], q[..., 1] - bend, q[..., 2]], -1)
    d = union(d, ellipsoid(lip, (0, MOUTH_Y + 0.035, 0.655), (0.20 * m, 0.040 * who.fullness, 0.075)), 0.06)
    d = union(d, ellipsoid(lip, (0, MOUTH_Y - 0.045, 0.645), (0.17 * m, 0.052 * who.fullness, 0.080)), 0.06)
    seam = ellipsoid(lip, (0, MOUTH_Y, 0.74), (0.21 * m, 0.010, 0.06))
    d = without(d, seam, 0.035)
    return union(d, ellipsoid(q, (0.74 * w, -0.02, -0.10), (0.08, 0.20, 0.13)), 0.06)


def _hair(p: Floats, who: Person, *, fine: bool) -> Floats:
    """Distance to the hair, without its strands unless ``fine``; far away for who has none."""
    w, style = who.width, who.style
    if style == "bald":
        return np.full(p.shape[:-1], 9, np.float32)
    q = np.concatenate([np.abs(p[..., :1]), p[..., 1:]], -1)
    if style == "curly":
        cap = ellipsoid(p, (0, 0.46, -0.18), (0.98 * w, 0.88, 0.98))
        cap = union(cap, ellipsoid(q, (0.66 * w, -0.05, -0.25), (0.30, 0.50, 0.45)), 0.2)
        if fine:
            cap = cap + 0.07 * noise(p * 7, who.seed) + 0.03 * noise(p * 17, who.seed + 1)
    else:
        thick = {"buzz": 0.02, "short": 0.09, "parted": 0.10, "bob": 0.11, "long": 0.11, "bun": 0.06}[style]
        cap = ellipsoid(p, (0, 0.34 + thick / 2, -0.14), (0.74 * w + thick, 0.77 + thick, 0.86 + thick))
        if style in {"bob", "long"}:
            foot = -0.62 if style == "bob" else -1.5
            side = capsule(q, (0.66 * w, 0.35, -0.16), (0.70 * w, foot, -0.10), 0.20, 0.24)
            cap = union(cap, side, 0.15)
            cap = union(cap, ellipsoid(p, (0, -0.2, -0.62), (0.70 * w, 0.9 if style == "bob" else 1.3, 0.35)), 0.2)
        if style == "bun":
            cap = union(cap, ellipsoid(p, (0, 1.22, -0.30), (0.30, 0.26, 0.30)), 0.06)
        if fine:
            wave = np.arctan2(p[..., 0], p[..., 1] - 0.1) + 0.10 * np.sin(2.1 * p[..., 1] + 3 * p[..., 0])
            strands = np.stack([wave * 24, p[..., 1] * 1.3, p[..., 2] * 2], -1)
            rough = 0.008 if style == "buzz" else 0.016
            cap = cap + rough * (noise(strands, who.seed) + 0.5 * noise(strands * 3, 7))
    cap = without(cap, _face_opening(p, who, fine=fine), 0.05)
    if style in {"short", "buzz", "parted", "bun"}:
        cap = without(cap, p[..., 1] + 0.22 + 0.5 * np.clip(p[..., 2], -0.3, 0.3), 0.1)
    return cap


def _face_opening(p: Floats, who: Person, *, fine: bool) -> Floats:
    """Distance to what is cut out of the hair: the face, and the ears where they show."""
    w, style = who.width, who.style
    q = np.concatenate([np.abs(p[..., :1]), p[..., 1:]], -1)
    if style in {"bob", "long"}:
        opening = ellipsoid(p, (0, -0.32, 0.95), (0.72 * w, 0.98, 1.02))
    else:
        opening = ellipsoid(p, (0, -0.30, 0.95), (0.69 * w, 0.98, 0.86))
        if style == "parted":
            opening = opening + 0.14 * smooth(0.10, 0.30, p[..., 0])
        opening = np.minimum(opening, ellipsoid(q, (0.80 * w, -0.30, 0.02), (0.20, 0.42, 0.22)))
    if fine:
        opening = opening + 0.012 * noise(p * 14, who.seed + 2)
    return opening


def _body(p: Floats, who: Person) -> tuple[Floats, Floats]:
    """Distance to the neck and to the clothes, which do not turn with the head."""
    neck = capsule(p, (0, -0.4, -0.18), (0, -1.5, -0.30), 0.36 * who.jaw**0.5, 0.40)
    shoulders = ellipsoid(p, (0, -2.42, -0.35), (1.75, 1.05, 0.72))
    shoulders = union(shoulders, capsule(p, (0, -1.22, -0.27), (0, -1.6, -0.28), 0.47, 0.62), 0.35)
    return neck, without(shoulders, ellipsoid(p, (0, -1.16, 0.12), (0.38, 0.22, 0.5)), 0.06)


class Scene:
    """A person in a view: distances, parts and colours at points in the world."""

    def __init__(self, who: Person, view: View) -> None:
        self.who, self.view = who, view
        yaw, pitch, roll = np.radians([view.yaw, -view.pitch, -view.roll])
        about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
        about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
        about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
        self.turn = (about_z @ about_y @ about_x).astype(np.float32)
        self.pivot = np.float32((0, -0.7, -0.2))

    def local(self, p: Floats) -> Floats:
        return (p - self.pivot) @ self.turn + self.pivot

    def world(self, q: Floats) -> Floats:
        return (q - self.pivot) @ self.turn.T + self.pivot

    def parts(self, p: Floats, *, fine: bool = True) -> Floats:
        q = self.local(p)
        neck, cloth = _body(p, self.who)
        skin = union(_face(q, self.who, self.view), neck, 0.2)
        return np.stack([skin, _hair(q, self.who, fine=fine), cloth], -1)

    def distance(self, p: Floats, *, fine: bool = True) -> Floats:
        return self.parts(p, fine=fine).min(-1)

    def normal(self, p: Floats, step: float = 0.006) -> Floats:
        # Four points of a tetrahedron instead of six differences.
        corners = np.float32([(1, -1, -1), (-1, -1, 1), (-1, 1, -1), (1, 1, 1)])
        n = sum(k * self.distance(p + step * k)[..., None] for k in corners)
        return n / (np.linalg.norm(n, axis=-1, keepdims=True) + 1e-9)

    def shadow(self, p: Floats, light: Floats) -> Floats:
        clear, t = np.ones(len(p), np.float32), np.full(len(p), 0.06, np.float32)
        for _ in range(14):
            d = self.distance(p + light * t[:, None], fine=False)
            clear = np.minimum(clear, np.clip(0.5 + 5 * d / t, 0, 1))
            t = t + np.clip(d, 0.05, 0.25)
        return clear

    def openness(self, p: Floats, n: Floats) -> Floats:
        hidden = sum(
            weight * np.clip(reach - self.distance(p + n * reach, fine=False), 0, None)
            for reach, weight in ((0.05, 5.0), (0.12, 2.4), (0.28, 0.9))
        )
        return np.clip(1 - hidden, 0.12, 1)
