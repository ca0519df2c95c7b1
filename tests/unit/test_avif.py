"""AVIF is accepted, and stored in a format that every program can show."""

from __future__ import annotations

import struct

import pytest
from PIL import Image, ImageCms

from makertasks.media import pictures
from makertasks.media.pictures import UnusablePicture
from tests.unit.picture_samples import corners, encoded, exif, opened, photograph, quarters

UPRIGHT = ["red", "green", "blue", "white"]

AVIF = encoded("AVIF", quality=90)


def clear_corner() -> Image.Image:
    image = quarters(mode="RGBA")
    image.paste((0, 0, 0, 0), (0, 0, image.width // 2, image.height // 2))
    return image


def saying_size(body: bytes, width: int, height: int) -> bytes:
    """A file whose container states a different size than its pixels."""
    at = body.index(b"ispe") + 8
    return body[:at] + struct.pack(">II", width, height) + body[at + 8 :]


def test_avif_becomes_jpeg():
    picture = pictures.prepare(AVIF)

    assert (picture.extension, picture.content_type) == ("jpg", "image/jpeg")
    assert opened(picture.body).format == "JPEG"
    assert opened(picture.thumbnail).format == "WEBP"
    for stored in (picture.body, picture.thumbnail, pictures.thumbnail(AVIF)):
        assert corners(opened(stored)) == UPRIGHT


def test_transparency_is_kept_as_webp():
    picture = pictures.prepare(encoded("AVIF", clear_corner(), quality=90))

    stored = opened(picture.body)
    assert (picture.extension, stored.format) == ("webp", "WEBP")
    assert stored.getpixel((10, 10))[3] < 10
    assert stored.getpixel((stored.width - 10, stored.height - 10))[3] == 255


def test_grey_stays_grey():
    assert opened(pictures.prepare(encoded("AVIF", quarters(mode="L"))).body).mode == "L"


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_turned_avif_is_stored_upright(orientation):
    turns = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    seen = quarters().transpose(turns[orientation]) if orientation in turns else quarters()

    picture = pictures.prepare(encoded("AVIF", seen, quality=90, exif=exif(orientation)))

    assert (picture.width, picture.height) == (80, 60)
    assert corners(opened(picture.body)) == UPRIGHT


def test_no_owner_or_device_remains_in_the_metadata():
    body = encoded("AVIF", exif=exif())
    assert b"Secret" in body

    picture = pictures.prepare(body)

    for stored in (picture.body, picture.thumbnail):
        assert b"Secret" not in stored
        assert not opened(stored).getexif()


def test_an_animated_avif_becomes_its_first_frame():
    frames = [Image.new("RGB", (80, 60), (0, 0, 255))]

    stored = opened(pictures.prepare(encoded("AVIF", save_all=True, append_images=frames, quality=90)).body)

    assert stored.format == "JPEG"
    assert corners(stored) == UPRIGHT


def test_the_colours_of_another_profile_become_srgb():
    swapped = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    green, blue = swapped.index(b"gXYZ"), swapped.index(b"bXYZ")
    swapped[green : green + 4], swapped[blue : blue + 4] = b"bXYZ", b"gXYZ"
    swapped = swapped.replace("sRGB".encode("utf-16-be"), "ABCD".encode("utf-16-be"))
    body = encoded("AVIF", Image.new("RGB", (64, 64), (0, 255, 0)), icc_profile=bytes(swapped), quality=90)

    red, green, blue = opened(pictures.prepare(body).body).getpixel((30, 30))

    assert blue > 240
    assert max(red, green) < 15


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (saying_size(AVIF, 16_000, 4_000), r"has 64\.0 megapixels; the limit for an AVIF is 18\.0"),
        (
            saying_size(encoded("AVIF", clear_corner()), 4_000, 4_000),
            r"has 16\.0 megapixels; the limit for an AVIF with transparency is 12\.6",
        ),
    ],
)
def test_an_avif_of_too_many_pixels_is_refused_before_it_is_decoded(body, reason):
    for entrance in (pictures.prepare, pictures.thumbnail):
        with pytest.raises(UnusablePicture, match=reason):
            entrance(body)


def test_a_large_avif_is_halved():
    large = Image.new("RGB", (4500, 3000), (200, 100, 50))

    picture = pictures.prepare(encoded("AVIF", large, speed=10))

    assert (picture.width, picture.height) == (2250, 1500)


@pytest.mark.parametrize("part", [0.05, 0.3, 0.6, 0.9])
def test_truncated_pictures_are_refused_with_a_one_line_message(part):
    body = encoded("AVIF", photograph(160, 120))

    with pytest.raises(UnusablePicture, match=r"^is a damaged or incomplete AVIF \([^\n]*\)\. Use an intact one"):
        pictures.prepare(body[: int(part * len(body))])
