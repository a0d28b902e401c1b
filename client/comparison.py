"""Before and after, side by side and labelled, for people to look at."""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

HEIGHT = 720
GAP = 12
BAND = 48
INK = "#1c1c1c"
PAPER = "#ffffff"


def before_after(before: Path, after: Path, target: Path, *, labels: tuple[str, str]) -> Path:
    """Write a PNG of the two pictures, scaled to one height (at most 720 pixels), each under its label.

    Pictures are turned upright. Raises ``OSError`` (Pillow's included) for a picture that cannot be read.
    """
    pictures = [_open(before), _open(after)]
    height = min(HEIGHT, *(picture.height for picture in pictures))
    pictures = [
        picture.resize((max(1, round(picture.width * height / picture.height)), height), Image.Resampling.LANCZOS)
        for picture in pictures
    ]
    sheet = Image.new("RGB", (sum(each.width for each in pictures) + 3 * GAP, height + BAND + GAP), PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(BAND // 2)
    left = GAP
    for picture, label in zip(pictures, labels, strict=True):
        draw.text((left, BAND / 2), label, fill=INK, font=font, anchor="lm")
        sheet.paste(picture, (left, BAND))
        left += picture.width + GAP
    sheet.save(target, "PNG", optimize=True)
    return target


def _open(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        return ImageOps.exif_transpose(picture).convert("RGB")
