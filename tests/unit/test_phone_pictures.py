"""AVIF and HEIC: read, and stored as what every browser and printer shows."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from makertasks.media import pictures
from makertasks.media.pictures import UnusablePicture
from tests.unit.picture_samples import corners, encoded, exif, opened, photograph, quarters

CASES = Path(__file__).parents[1] / "data" / "pictures"
UPRIGHT = ["red", "green", "blue", "white"]

HEIC = {name: (CASES / f"{name}.heic").read_bytes() for name in ("phone-turned", "transparent", "10-bit", "grey")}
READ = {"AVIF": encoded("AVIF", quality=90), "HEIC": HEIC["phone-turned"]}


def clear_corner() -> Image.Image:
    image = quarters(mode="RGBA")
    image.paste((0, 0, 0, 0), (0, 0, image.width // 2, image.height // 2))
    return image


def saying_size(body: bytes, width: int, height: int) -> bytes:
    """A file whose container tells another size than its pixels have."""
    at = body.index(b"ispe") + 8
    return body[:at] + struct.pack(">II", width, height) + body[at + 8 :]


@pytest.mark.parametrize("kind", READ)
def test_the_formats_of_phones_become_jpeg(kind):
    picture = pictures.prepare(READ[kind])

    assert (picture.extension, picture.content_type) == ("jpg", "image/jpeg")
    assert opened(picture.body).format == "JPEG"
    assert opened(picture.thumbnail).format == "WEBP"
    for stored in (picture.body, picture.thumbnail, pictures.thumbnail(READ[kind])):
        assert corners(opened(stored)) == UPRIGHT


@pytest.mark.parametrize("body", [encoded("AVIF", clear_corner(), quality=90), HEIC["transparent"]])
def test_transparency_is_kept_as_webp(body):
    picture = pictures.prepare(body)

    stored = opened(picture.body)
    assert (picture.extension, stored.format) == ("webp", "WEBP")
    assert stored.getpixel((10, 10))[3] < 10
    assert stored.getpixel((stored.width - 10, stored.height - 10))[3] == 255


@pytest.mark.parametrize(
    ("name", "mode", "seen"), [("10-bit", "RGB", UPRIGHT), ("grey", "L", ["green", "green", "green", "white"])]
)
def test_what_cameras_make_of_it_is_read(name, mode, seen):
    stored = opened(pictures.prepare(HEIC[name]).body)

    assert stored.mode == mode
    if mode == "RGB":
        assert corners(stored) == seen


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_turned_avif_is_stored_upright(orientation):
    turns = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    seen = quarters().transpose(turns[orientation]) if orientation in turns else quarters()

    picture = pictures.prepare(encoded("AVIF", seen, quality=90, exif=exif(orientation)))

    assert (picture.width, picture.height) == (80, 60)
    assert corners(opened(picture.body)) == UPRIGHT


@pytest.mark.parametrize("body", [HEIC["phone-turned"], encoded("AVIF", exif=exif())])
def test_no_owner_or_device_is_left(body):
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
        (saying_size(READ["AVIF"], 16_000, 4_000), r"has 64\.0 megapixels; the limit for an AVIF is 18\.0"),
        (saying_size(READ["HEIC"], 9_000, 9_000), r"has 81\.0 megapixels; the limit for a HEIC is 25\.0"),
        (
            saying_size(HEIC["transparent"], 4_000, 4_000),
            r"has 16\.0 megapixels; the limit for a HEIC with transparency is 12\.6",
        ),
    ],
)
def test_too_many_pixels_are_refused_before_they_are_decoded(body, reason):
    for entrance in (pictures.prepare, pictures.thumbnail):
        with pytest.raises(UnusablePicture, match=reason):
            entrance(body)


def test_pixels_that_the_header_does_not_tell_of_are_not_decoded():
    with pytest.raises(UnusablePicture, match=r"damaged or cut off HEIC .*exceeds the maximum image size"):
        pictures.prepare(saying_size(READ["HEIC"], 16, 12))


def test_a_large_avif_is_halved():
    large = Image.new("RGB", (4500, 3000), (200, 100, 50))

    picture = pictures.prepare(encoded("AVIF", large, speed=10))

    assert (picture.width, picture.height) == (2250, 1500)


@pytest.mark.parametrize("body", [encoded("AVIF", photograph(160, 120)), *HEIC.values()])
@pytest.mark.parametrize("part", [0.05, 0.3, 0.6, 0.9])
def test_what_is_cut_off_is_refused_in_one_line(body, part):
    with pytest.raises(UnusablePicture, match=r"^is a damaged or cut off (AVIF|HEIC) \([^\n]*\)\. Give an intact one"):
        pictures.prepare(body[: int(part * len(body))])
