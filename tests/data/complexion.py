"""Surface of a rendered head: skin, lips, brows and eyes, and studio light.

Skin scatters light: shading wraps further round for red than for blue.
"""

import numpy as np

from tests.data.head import CLOTH, DISTANCE, EYE_Y, HAIR, MOUTH_Y, Colour, Floats, Scene, noise, smooth


def _skin(q: Floats, scene: Scene) -> tuple[Floats, Floats, Floats]:
    """Albedo N×3, gloss N and, in eyes, how much of it is wet, at N points of the head."""
    who, view = scene.who, scene.view
    x, y, z = q.T
    front = smooth(0.15, 0.4, z)
    ax = np.abs(x)
    tone = 1 + 0.05 * noise(q * 5, who.seed + 5) + 0.035 * noise(q * 40, who.seed + 6)
    albedo = np.float32(who.skin) * tone[:, None]
    gloss = np.full(len(q), 0.30, np.float32)

    def tint(share: Floats, factor: Colour) -> None:
        albedo[:] *= 1 - share[:, None] * (1 - np.float32(factor))

    def paint(share: Floats, colour: Colour) -> None:
        albedo[:] += share[:, None] * (np.float32(colour) - albedo)

    blush = np.exp(-(((ax - 0.36) / 0.17) ** 2 + ((y + 0.20) / 0.13) ** 2)) * front
    tint(0.55 * blush, (1.03, 0.76, 0.74))
    tint(0.5 * np.exp(-((x / 0.13) ** 2 + ((y + 0.24) / 0.10) ** 2)) * front, (1.02, 0.78, 0.76))
    tint(0.45 * np.exp(-(((ax - 0.27) / 0.19) ** 2 + ((y - EYE_Y) / 0.15) ** 2)) * front, (0.78, 0.66, 0.68))
    if who.age:
        under = (y - EYE_Y + 0.155 - 2.2 * (ax - 0.26) ** 2) / 0.016
        fold = (ax - 0.20 + 0.42 * (y + 0.30) - 0.02) / 0.020
        folds = np.exp(-(fold**2)) * smooth(-0.55, -0.45, y) * (1 - smooth(-0.32, -0.24, y))
        lines = sum(np.exp(-(((y - level - 0.02 * np.cos(5 * x)) / 0.011) ** 2)) for level in (0.46, 0.54, 0.62))
        crease = 0.7 * np.exp(-(under**2)) * (ax > 0.13) * (ax < 0.42) + 0.8 * folds + 0.5 * lines * (ax < 0.36)
        tint(np.clip(who.age * crease, 0, 1) * front, (0.70, 0.58, 0.55))
    if who.beard:
        cheek = smooth(-0.18, -0.34, y + 0.30 * (0.45 - ax)) * smooth(-1.05, -0.9, y) * smooth(-0.05, 0.15, z)
        bare = np.exp(-(((x / (0.24 * who.mouth)) ** 2 + ((y - MOUTH_Y) / 0.085) ** 2) ** 3))
        grain = 0.75 + 0.35 * noise(np.stack([x * 70, y * 28, z * 70], -1), who.seed + 8)
        share = np.clip(who.beard * cheek * (1 - bare) * (0.6 + 0.4 * grain), 0, 0.92)
        paint(share, tuple(0.8 * channel + 0.006 for channel in who.hair))
        gloss *= 1 - 0.7 * share
    ly = y - MOUTH_Y - 0.55 * view.smile * x**2
    mx = ax / (0.225 * who.mouth)
    upper = 0.078 * who.fullness * np.sqrt(np.clip(1 - mx**2, 0, 1)) * (1 - 0.28 * np.exp(-((x / 0.035) ** 2)))
    lower = 0.100 * who.fullness * np.clip(1 - mx**2, 0, 1) ** 0.7
    lips = smooth(-0.012, 0.012, upper - ly) * smooth(-0.014, 0.014, lower + ly) * (mx < 1) * front
    ribs = 1 + 0.10 * noise(np.stack([x * 60, y * 4, z], -1), who.seed + 9)
    albedo[:] += (0.85 * lips)[:, None] * (np.float32(who.lips) * ribs[:, None] - albedo)
    gloss += 0.25 * lips
    paint(0.85 * np.exp(-((ly / 0.0085) ** 2)) * (mx < 1.04) * front, (0.09, 0.03, 0.03))
    corner = ((ax - 0.225 * who.mouth) / 0.022) ** 2 + (ly / 0.02) ** 2
    paint(0.5 * np.exp(-corner) * front, (0.16, 0.06, 0.05))
    tip = -0.22 - 0.06 * (who.nose - 1)
    nostril = ((ax - 0.062 * who.nose_width) / 0.036) ** 2 + ((y - tip + 0.078) / 0.017) ** 2
    paint(0.85 * np.exp(-(nostril**1.5)) * front, (0.05, 0.018, 0.015))
    # Brows: an arch that thins outwards, of slanting hairs.
    bx = (ax - 0.28) / 0.19
    arch = 0.245 + 0.035 * (1 - bx**2) - 0.03 * np.clip(bx, 0, 1)
    thick = 0.034 * who.brows * np.clip(1.05 - 0.55 * bx, 0.2, 1.4)
    hairs = 0.72 + 0.4 * noise(np.stack([(ax + 0.8 * y) * 95, (y - 0.5 * ax) * 30, z * 3], -1), who.seed + 10)
    brow = smooth(1.25, 0.5, np.abs(y - arch) / thick) * smooth(1.12, 0.85, np.abs(bx)) * front
    paint(np.clip(0.95 * brow * hairs, 0, 1), tuple(0.75 * channel + 0.004 for channel in who.hair))
    return albedo, gloss, _paint_eyes(q, scene, albedo, gloss, front)


def _paint_eyes(q: Floats, scene: Scene, albedo: Floats, gloss: Floats, front: Floats) -> Floats:
    """Whites, irises, lids and lashes over the skin; gives how much of the light from N points is the eye's own."""
    who, view = scene.who, scene.view
    x, y, _ = q.T
    squint = 1 - 0.18 * max(view.smile, 0)
    wet = np.zeros(len(q), np.float32)
    for sign in (-1, 1):
        ex = (x * sign - 0.27) / (0.140 * who.eyes)
        ey = (y - EYE_Y - 0.012 * ex) / who.eyes
        half = np.clip(1 - ex**2, 0, 1)
        top, bottom = 0.072 * squint * half**0.72, 0.052 * squint * half**0.85
        inside = smooth(-0.006, 0.006, top - ey) * smooth(-0.006, 0.006, bottom + ey) * (np.abs(ex) < 1) * front
        away = np.hypot(x - sign * 0.27, (y - EYE_Y - 0.006)) / (0.066 * who.eyes**0.5)
        ray = 0.75 + 0.5 * noise(np.stack([np.arctan2(y - EYE_Y, x - sign * 0.27) * 9, away, away], -1), who.seed)
        white = np.float32((0.72, 0.70, 0.67)) * (1 - 0.35 * ex[:, None] ** 4)
        iris = np.float32(who.iris) * ray[:, None] * (0.75 + 0.9 * smooth(0.3, 0.85, away)[:, None])
        iris = iris * (1 - 0.75 * smooth(0.80, 1.0, away)[:, None])
        eye = white + smooth(1.06, 0.94, away)[:, None] * (iris - white)
        eye = eye * (1 - 0.97 * smooth(0.46, 0.38, away)[:, None])
        eye = eye * (1 - 0.55 * smooth(0.040, 0.0, top - ey)[:, None])  # the upper lid's shadow
        glint = np.exp(-((np.hypot(x - sign * 0.27 + 0.020, y - EYE_Y - 0.026) / 0.0125) ** 4))
        albedo += inside[:, None] * (eye + 0.9 * glint[:, None] - albedo)
        wet = np.maximum(wet, inside)
        lash = np.exp(-(((ey - top) / 0.0135) ** 2)) * (np.abs(ex) < 1.03) * front
        albedo *= 1 - (0.90 * lash)[:, None]
        low = np.exp(-(((ey + bottom) / 0.008) ** 2)) * (np.abs(ex) < 0.98) * front * (1 - inside)
        albedo *= 1 - (0.40 * low)[:, None]
        fold = np.exp(-(((ey - top - 0.040 - 0.01 * who.eyes) / 0.011) ** 2)) * (np.abs(ex) < 0.95) * front
        albedo *= 1 - (0.45 * fold)[:, None] * np.float32((0.8, 1, 1))
        corner = np.exp(-(((ex + 0.95) / 0.10) ** 2 + (ey / 0.016) ** 2)) * front
        albedo += (0.6 * corner)[:, None] * (np.float32((0.50, 0.22, 0.20)) - albedo)
    gloss *= 1 - wet
    return wet


def shade(p: Floats, part: Floats, scene: Scene) -> Floats:
    """Linear RGB of N points of the surface."""
    who, view = scene.who, scene.view
    n, q = scene.normal(p), scene.local(p)
    albedo, gloss, wet = _skin(q, scene)
    hair, cloth = part == HAIR, part == CLOTH
    turn = np.arctan2(q[:, 0], q[:, 1] - 0.1)
    wave = turn + 0.10 * np.sin(2.1 * q[:, 1] + 3 * q[:, 0])
    strand = noise(np.stack([wave * 90, q[:, 1] * 2.2, q[:, 2] * 3], -1), who.seed + 3)
    strand = 0.6 * strand + 0.6 * noise(np.stack([wave * 210, q[:, 1] * 3, q[:, 2] * 4], -1), who.seed + 4)
    if who.style == "curly":
        strand = noise(q * 22, who.seed + 3)
    albedo = np.where(hair[:, None], np.float32(who.hair) * (1 + 0.6 * np.clip(strand, -1, 1)[:, None]), albedo)
    weave = 1 + 0.08 * noise(p * np.float32((60, 60, 60)), 4)
    albedo = np.where(cloth[:, None], np.float32(who.cloth) * weave[:, None], albedo)
    wrap = np.where((hair | cloth)[:, None], np.float32((0.1, 0.1, 0.1)), np.float32((0.38, 0.20, 0.14)))
    eye = np.float32((0, 0.1, DISTANCE)) - p
    eye /= np.linalg.norm(eye, axis=-1, keepdims=True)
    key = np.float32(view.key) / np.float32(np.linalg.norm(view.key))
    fill = np.float32((0.8, 0.15, 0.6))
    back = np.float32((0.65 * -np.sign(view.key[0]), 0.5, -0.6))
    clear, opened = scene.shadow(p + 0.01 * n, key), scene.openness(p, n)
    tone = np.float32((1 + 0.06 * (view.warmth - 1), 1, 1 - 0.10 * (view.warmth - 1)))
    colour = np.zeros_like(albedo)
    soft = np.maximum(clear[:, None], np.float32((0.10, 0.05, 0.04)))
    lights = ((key, 1.55, np.float32((1.0, 0.95, 0.88)) * tone, soft), (fill, 0.36, np.float32((0.8, 0.9, 1.0)), 1.0))
    for direction, power, tint, seen in (*lights, (back, 0.45, np.float32((1.0, 0.97, 0.93)), 1.0)):
        unit = direction / np.linalg.norm(direction)
        facing = (n @ unit)[:, None]
        colour += albedo * power * tint * np.clip((facing + wrap) / (1 + wrap), 0, None) * seen
        mid = unit + eye
        mid /= np.linalg.norm(mid, axis=-1, keepdims=True)
        shine = np.clip((n * mid).sum(-1), 0, 1)
        dull = np.where(cloth, 0.0, 0.16 * gloss * shine**22)
        amount = np.where(hair, 0.10 * np.sqrt(np.mean(who.hair)) * shine**9 * (1 + strand), dull)
        colour += (amount * power)[:, None] * tint * (np.asarray(seen)[..., :1] if np.ndim(seen) else 1.0)
    sky = 0.5 + 0.5 * n[:, 1:2]
    colour += albedo * (0.20 + 0.22 * sky) * np.float32((0.92, 0.97, 1.05))
    colour *= (0.30 + 0.70 * opened[:, None]) ** np.float32((0.8, 1.0, 1.05))
    return colour + (0.02 * wet)[:, None]
