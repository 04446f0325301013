"""Convert uploaded logos to small PNG images, which removes metadata and anything hidden in the file."""

import base64
from io import BytesIO
from typing import IO, Final

from PIL import Image, UnidentifiedImageError

from portal.models import Logo

_MAX_BYTES: Final = 500_000
_MAX_PIXELS: Final = 4_000
_SIDE: Final = 512  # pixels


def read(upload: IO[bytes]) -> bytes:
    """Return a PNG of at most 512 by 512 pixels. Raises ValueError with a message for the user if the file is unusable."""
    content = upload.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise ValueError("This file is larger than 500 kB. Choose a smaller one.")
    try:
        with Image.open(BytesIO(content), formats=["PNG", "JPEG"]) as image:
            if max(image.size) > _MAX_PIXELS:
                raise ValueError(f"This image is more than {_MAX_PIXELS} pixels wide or high. Choose a smaller one.")
            small = image.convert("RGBA")
    except (UnidentifiedImageError, OSError) as error:
        raise ValueError("This file is not a PNG or JPEG image. Choose another one.") from error
    small.thumbnail((_SIDE, _SIDE))
    png = BytesIO()
    small.save(png, "PNG")
    return png.getvalue()


def data_uri(logo: Logo) -> str:
    return "data:image/png;base64," + base64.b64encode(bytes(logo.png)).decode()
