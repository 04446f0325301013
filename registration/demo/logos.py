"""The marks of the demo's practices, drawn from simple shapes: 256 by 256 pixels, on white."""

from io import BytesIO
from typing import Final

from PIL import Image, ImageChops, ImageDraw

_SIZE: Final = 256
_SCALE: Final = 4  # Draw larger and scale down, so that edges are smooth.
_GREEN: Final = "#1f5c3f"
_BLUE: Final = "#1d4e79"

# The right half of a maple leaf, from its tip down to the stem; the left half is its mirror image.
_HALF_LEAF: Final = (
    (128, 20), (146, 58), (166, 48), (160, 96), (192, 70), (198, 88), (230, 84), (218, 112),
    (234, 124), (188, 160), (194, 178), (136, 170), (136, 236), (128, 236),
)  # fmt: skip


def draw_maple_leaf() -> bytes:
    image, draw = _blank()
    mirrored = [(_SIZE - x, y) for x, y in reversed(_HALF_LEAF)]
    draw.polygon([(x * _SCALE, y * _SCALE) for x, y in [*_HALF_LEAF, *mirrored]], fill=_GREEN)
    return _png(image)


def draw_sail() -> bytes:
    """Draw two sails above a hull. The hull is the part of an ellipse below the waterline."""
    image, draw = _blank()
    for sail in (((122, 28), (122, 160), (48, 160)), ((136, 58), (136, 160), (200, 160))):
        draw.polygon([(x * _SCALE, y * _SCALE) for x, y in sail], fill=_BLUE)
    hull, below = Image.new("1", image.size), Image.new("1", image.size)
    ImageDraw.Draw(hull).ellipse([coordinate * _SCALE for coordinate in (28, 110, 228, 226)], fill=1)
    ImageDraw.Draw(below).rectangle([coordinate * _SCALE for coordinate in (0, 176, _SIZE, _SIZE)], fill=1)
    image.paste(_BLUE, mask=ImageChops.logical_and(hull, below))
    return _png(image)


def _blank() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (_SIZE * _SCALE, _SIZE * _SCALE), "white")
    return image, ImageDraw.Draw(image)


def _png(image: Image.Image) -> bytes:
    file = BytesIO()
    image.resize((_SIZE, _SIZE), Image.Resampling.LANCZOS).save(file, format="PNG", optimize=True)
    return file.getvalue()
