"""Generated pictures for tests."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 160, 60), (30, 60, 200), (255, 255, 255)


def quarters(width: int = 80, height: int = 60, mode: str = "RGB") -> Image.Image:
    """Red and green above, blue and white below: every rotation and reflection is a different picture."""
    image = Image.new("RGB", (width, height), WHITE)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width // 2 - 1, height // 2 - 1), RED)
    draw.rectangle((width // 2, 0, width - 1, height // 2 - 1), GREEN)
    draw.rectangle((0, height // 2, width // 2 - 1, height - 1), BLUE)
    return image if mode == "RGB" else image.convert(mode)


def encoded(kind: str, image: Image.Image | None = None, **options: Any) -> bytes:
    out = io.BytesIO()
    (image or quarters()).save(out, kind, **options)
    return out.getvalue()


def opened(body: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(body))
    image.load()
    return image


def corners(image: Image.Image) -> list[str]:
    """Names of the colours in the middle of the quarters: top left, top right, bottom left, bottom right."""
    small = image.convert("RGB")
    names = {"red": RED, "green": GREEN, "blue": BLUE, "white": WHITE}

    def name_at(x: float, y: float) -> str:
        seen = small.getpixel((int(x * small.width), int(y * small.height)))
        return min(names, key=lambda name: sum(abs(a - b) for a, b in zip(names[name], seen, strict=True)))

    return [name_at(x, y) for y in (0.25, 0.75) for x in (0.25, 0.75)]


def photograph(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """A picture as detailed as a photograph, so that encoders have work to do."""
    noise = Image.effect_noise((width // 8, height // 8), 80)
    channels = [
        noise.transpose(turn).resize((width, height), Image.Resampling.BICUBIC)
        for turn in (
            Image.Transpose.FLIP_LEFT_RIGHT,
            Image.Transpose.FLIP_TOP_BOTTOM,
            Image.Transpose.ROTATE_180,
        )
    ]
    image = Image.merge("RGB", channels)
    if mode == "RGBA":
        image.putalpha(channels[0])
        return image
    return image if mode == "RGB" else image.convert(mode)


def exif(orientation: int = 1) -> Image.Exif:
    """EXIF data of a phone: orientation, device, owner and location."""
    data = Image.Exif()
    data[0x0112] = orientation
    data[0x010F] = "SecretPhone"
    data[0x013B] = "Secret Owner"
    data.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 36.0)})
    return data


def png(width: int, height: int, rows: bytes | None = None, *chunks: tuple[bytes, bytes]) -> bytes:
    """A grey PNG built chunk by chunk, whose header states `width` and `height` whatever `rows` contain."""
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        *chunks,
        (b"IDAT", zlib.compress(rows if rows is not None else b"\x00" * ((width + 1) * height), 9)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )


# One file of each refused kind, and the error message.
REFUSED = {
    "a GIF": encoded("GIF"),
    "a BMP": encoded("BMP"),
    "a TIFF": encoded("TIFF"),
    "an ICO icon": encoded("ICO"),
    "a JPEG 2000": encoded("JPEG2000"),
    "a PDF": encoded("PDF"),
    "a HEIC": (Path(__file__).parents[1] / "data/pictures/phone-turned.heic").read_bytes(),
    "a video": b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + bytes(64),
    "a JPEG XL": b"\x00\x00\x00\x0cJXL \r\n\x87\n" + bytes(64),
    "a Photoshop document": b"8BPS\x00\x01" + bytes(64),
    "a ZIP file": b"PK\x03\x04" + bytes(64),
    "a gzip file": b"\x1f\x8b\x08\x00" + bytes(64),
    "a RIFF sound or video": b"RIFF\x00\x00\x00\x00WAVEfmt " + bytes(64),
    "an SVG": b'<?xml version="1.0"?>\n<!-- drawn --><svg xmlns="http://www.w3.org/2000/svg"><script/></svg>',
    "an HTML page": b"\n<!DOCTYPE html><html><title>Sign in</title></html>",
    "an XML file": b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
    "a JSON text": b'{"error": "not found"}',
    "plain text": "nicht gefunden: Schlüssel".encode(),
    "an empty file": b"",
    "a file of an unknown type": bytes(range(7, 250)),
}
