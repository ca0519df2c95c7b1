"""Cleans a decoded picture: upright, in sRGB with 8 bits per channel, without metadata."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image, ImageCms

from makertasks.media.png import MAX_PROFILE_BYTES, grey

# EXIF orientation (CIPA DC-008, tag 0x0112) to the transposition that undoes it.
_ORIENTATION_TAG = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Exceptions of Pillow's decoders for damaged files, from their code and from 60,000 damaged files. Not Exception: a
# time limit must reach the worker.
DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    zlib.error,
    LookupError,
    TypeError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    RuntimeError,
    MemoryError,
)


def averageable(image: Image.Image) -> Image.Image:
    """Return the picture in a mode whose values can be averaged; grey stays grey, colour stays colour."""
    if image.mode == "1":
        return image.convert("L")
    if image.mode == "P":
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    return grey(image) if image.mode.startswith("I") else image


def cleaned(image: Image.Image) -> Image.Image:
    """Return the picture upright, in sRGB or grey with 8 bits per channel, and without metadata."""
    turn = _TURNS.get(_orientation(image))
    image = _in_srgb(image)
    if turn is not None:
        image = image.transpose(turn)
    image.info = {"transparency": image.info["transparency"]} if _has_palette_alpha(image) else {}
    return image


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation; 1 (upright) if the EXIF data cannot be read, which refuses no picture."""
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except DAMAGE:
        return 1


def _has_palette_alpha(image: Image.Image) -> bool:
    return image.mode == "P" and "transparency" in image.info


def _in_srgb(image: Image.Image) -> Image.Image:
    """Convert to 8 bits per channel, and colours to sRGB; without a usable profile they stay unchanged."""
    if image.mode.startswith("I"):
        return grey(image)
    profile = image.info.get("icc_profile")
    if profile and image.mode in {"P", "RGB", "RGBA", "CMYK"} and len(profile) <= MAX_PROFILE_BYTES:
        image = _converted(averageable(image), profile)
    return image if image.mode in {"1", "L", "LA", "P", "RGB", "RGBA"} else image.convert("RGB")


def _converted(image: Image.Image, profile: bytes) -> Image.Image:
    """Convert the picture's colours from its profile to sRGB; unchanged if the profile is sRGB or broken."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return image
        target = ImageCms.createProfile("sRGB")
        mode = "RGB" if image.mode == "CMYK" else image.mode
        transform = ImageCms.buildTransform(source, target, image.mode, mode)
        if mode != image.mode:
            return ImageCms.applyTransform(image, transform) or image
        ImageCms.applyTransform(image, transform, inPlace=True)
    except (ImageCms.PyCMSError, *DAMAGE):
        return image
    return image
