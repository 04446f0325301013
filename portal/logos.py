"""Logos: whatever image is uploaded becomes a plain PNG of a sensible size, so that no surprise rides along."""

import base64
from io import BytesIO
from typing import IO, Final

from PIL import Image, UnidentifiedImageError

from portal.models import Logo

_MOST_BYTES: Final = 500_000
_MOST_PIXELS: Final = 4_000
_SIDE: Final = 512


def read(upload: IO[bytes]) -> bytes:
    """A PNG of at most 512 pixels a side. Raises ValueError with a sentence where the file is no image that we take."""
    content = upload.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise ValueError("This file is larger than 500 kB.")
    try:
        with Image.open(BytesIO(content), formats=["PNG", "JPEG"]) as image:
            if max(image.size) > _MOST_PIXELS:
                raise ValueError(f"This image has more than {_MOST_PIXELS} pixels a side.")
            small = image.convert("RGBA")
    except (UnidentifiedImageError, OSError) as error:
        raise ValueError("This is no PNG or JPEG image.") from error
    small.thumbnail((_SIDE, _SIDE))
    png = BytesIO()
    small.save(png, "PNG")
    return png.getvalue()


def data_uri(logo: Logo) -> str:
    return "data:image/png;base64," + base64.b64encode(bytes(logo.png)).decode()
