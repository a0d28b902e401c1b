"""Comparison sheet: pictures side by side with labels."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

HEIGHT = 720
GAP = 12
BAND = 48
INK = "#1c1c1c"
PAPER = "#ffffff"
MARK = "#e5007d"
# Side of the enlarged detail, in pixels of the result.
DETAIL = 320

Panel = tuple[str, Image.Image]


def side_by_side(panels: Sequence[Panel], target: Path) -> Path:
    """Write a PNG of the pictures, scaled to one height (at most 720 pixels), each below its label; return its path.

    A label that is too long for its picture is truncated.
    """
    height = min(HEIGHT, *(picture.height for _, picture in panels))
    pictures = [
        picture.resize((max(1, round(picture.width * height / picture.height)), height), Image.Resampling.LANCZOS)
        for _, picture in panels
    ]
    width = sum(each.width for each in pictures) + (len(pictures) + 1) * GAP
    sheet = Image.new("RGB", (width, height + BAND + GAP), PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(BAND // 2)
    left = GAP
    for (label, _), picture in zip(panels, pictures, strict=True):
        draw.text((left, BAND / 2), fitted(label, picture.width, font), fill=INK, font=font, anchor="lm")
        sheet.paste(picture, (left, BAND))
        left += picture.width + GAP
    sheet.save(target, "PNG", optimize=True)
    return target


def upright(path: Path) -> Image.Image:
    """Return the picture in RGB with its EXIF orientation applied. Raises ``OSError`` (Pillow's included)."""
    with Image.open(path) as picture:
        return ImageOps.exif_transpose(picture).convert("RGB")


def marked(photo: Image.Image, mask: Image.Image) -> Image.Image:
    """Return the photo with a colour over the mask's white area; the mask is scaled to the photo."""
    veil = mask.convert("L").resize(photo.size).point(lambda value: 150 if value >= 128 else 0)
    return Image.composite(Image.new("RGB", photo.size, MARK), photo, veil)


def details(small: Image.Image, large: Image.Image, original: Image.Image | None = None) -> list[Panel]:
    """Return the same detail of the bicubic enlargement of ``small``, of ``large``, and of ``original`` if given.

    It is the square with the most edges, magnified without interpolation. All are scaled to the size of ``large``.
    """
    bicubic = small.resize(large.size, Image.Resampling.BICUBIC)
    box = _busiest(small, DETAIL * small.width / large.width)
    wide, high = large.width / small.width, large.height / small.height
    left, top = round(box[0] * wide), round(box[1] * high)
    area = (left, top, min(large.width, left + DETAIL), min(large.height, top + DETAIL))
    shown = [("bicubic", bicubic), ("darkroom", large)]
    if original is not None:
        shown.append(("the original", original.resize(large.size, Image.Resampling.LANCZOS)))
    return [(label, ImageOps.scale(picture.crop(area), 2, Image.Resampling.NEAREST)) for label, picture in shown]


def _busiest(picture: Image.Image, side: float) -> tuple[int, int]:
    """Return left and top of the square of about ``side`` pixels with the most edges."""
    edges = picture.convert("L").filter(ImageFilter.FIND_EDGES)
    # The filter produces false edges at the border of the picture.
    edges.paste(0, (0, 0, edges.width, 1))
    edges.paste(0, (0, edges.height - 1, edges.width, edges.height))
    columns, rows = max(1, int(picture.width / side)), max(1, int(picture.height / side))
    means = edges.resize((columns, rows), Image.Resampling.BOX).tobytes()
    best = means.index(max(means))
    return best % columns * picture.width // columns, best // columns * picture.height // rows


def fitted(label: str, width: int, font: ImageFont.ImageFont | ImageFont.FreeTypeFont) -> str:
    """Return the label, truncated to ``width`` pixels."""
    if font.getlength(label) <= width:
        return label
    while label and font.getlength(label + "…") > width:
        label = label[:-1]
    return label.rstrip() + "…"
