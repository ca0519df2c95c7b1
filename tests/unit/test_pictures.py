"""Pictures: what is kept, what is refused with which message, and what is removed from stored files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from makertasks.media import pictures
from makertasks.media.pictures import UnusablePicture
from tests.unit.picture_samples import REFUSED, corners, encoded, exif, opened, photograph, png, quarters

ROOT = Path(__file__).parents[2]
UPRIGHT = ["red", "green", "blue", "white"]


@pytest.mark.parametrize(
    ("kind", "extension", "content_type"),
    [("JPEG", "jpg", "image/jpeg"), ("PNG", "png", "image/png"), ("WEBP", "webp", "image/webp")],
)
def test_jpeg_png_and_webp_keep_their_format(kind, extension, content_type):
    picture = pictures.prepare(encoded(kind))

    assert (picture.extension, picture.content_type) == (extension, content_type)
    assert (picture.width, picture.height) == (80, 60)
    assert opened(picture.body).format == kind
    assert corners(opened(picture.body)) == UPRIGHT


@pytest.mark.parametrize("name", REFUSED)
def test_other_formats_are_refused_by_name(name):
    with pytest.raises(UnusablePicture, match=rf"^is {name}; only JPEG, PNG, WebP and AVIF are supported"):
        pictures.prepare(REFUSED[name])


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("a HEIC", "On an iPhone choose Settings, Camera, Formats, Most Compatible, or share the photo as JPEG"),
        ("a GIF", "Save one of its frames as PNG"),
        ("an SVG", "Export it"),
    ],
)
def test_a_refused_picture_names_the_remedy(name, remedy):
    with pytest.raises(UnusablePicture, match=remedy):
        pictures.prepare(REFUSED[name])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("orientation", "as_the_camera_held_it"),
    [
        (1, None),
        (2, Image.Transpose.FLIP_LEFT_RIGHT),
        (3, Image.Transpose.ROTATE_180),
        (4, Image.Transpose.FLIP_TOP_BOTTOM),
        (5, Image.Transpose.TRANSPOSE),
        (6, Image.Transpose.ROTATE_90),
        (7, Image.Transpose.TRANSVERSE),
        (8, Image.Transpose.ROTATE_270),
    ],
)
def test_a_turned_picture_is_stored_upright(kind, orientation, as_the_camera_held_it):
    seen = quarters() if as_the_camera_held_it is None else quarters().transpose(as_the_camera_held_it)
    body = encoded(kind, seen, exif=exif(orientation), **({"lossless": True} if kind == "WEBP" else {}))

    picture = pictures.prepare(body)

    assert corners(opened(picture.body)) == UPRIGHT
    assert (picture.width, picture.height) == (80, 60)
    assert corners(opened(picture.thumbnail)) == UPRIGHT


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_no_location_owner_or_device_remains_in_the_metadata(kind):
    private = {"exif": exif(), "icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()}
    if kind == "JPEG":
        private |= {"comment": b"Secret comment", "xmp": b"<x:xmpmeta>Secret place</x:xmpmeta>"}
    if kind == "WEBP":
        private |= {"xmp": b"<x:xmpmeta>Secret place</x:xmpmeta>"}
    body = encoded(kind, **private)
    assert b"Secret" in body

    picture = pictures.prepare(body)

    for stored in (picture.body, picture.thumbnail):
        assert b"Secret" not in stored
        assert not opened(stored).getexif()
        assert not {"icc_profile", "exif", "xmp", "comment"} & opened(stored).info.keys()


def test_data_appended_to_a_picture_is_removed():
    page = b"<script>alert('Secret')</script>" + b"PK\x03\x04 Secret archive"
    for kind in ("JPEG", "PNG", "WEBP"):
        assert b"Secret" not in pictures.prepare(encoded(kind) + page).body


def test_cmyk_becomes_rgb():
    picture = pictures.prepare(encoded("JPEG", quarters(mode="CMYK")))

    assert opened(picture.body).mode == "RGB"
    assert corners(opened(picture.body)) == UPRIGHT


def test_sixteen_bits_of_grey_become_eight_without_turning_white():
    steep = Image.new("I;16", (4, 1))
    for x, value in enumerate((0, 0x4000, 0x8000, 0xFFFF)):
        steep.putpixel((x, 0), value)

    stored = opened(pictures.prepare(encoded("PNG", steep)).body)

    assert stored.mode == "L"
    assert [stored.getpixel((x, 0)) for x in range(4)] == [0, 0x40, 0x80, 0xFF]


def test_another_colour_space_becomes_srgb():
    """Pure green in a profile whose green is sRGB's blue must become blue."""
    swapped = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    green, blue = swapped.index(b"gXYZ"), swapped.index(b"bXYZ")
    swapped[green : green + 4], swapped[blue : blue + 4] = b"bXYZ", b"gXYZ"
    swapped = swapped.replace("sRGB".encode("utf-16-be"), "ABCD".encode("utf-16-be"))

    picture = pictures.prepare(encoded("PNG", Image.new("RGB", (8, 8), (0, 255, 0)), icc_profile=bytes(swapped)))

    red, green, blue = opened(picture.body).getpixel((4, 4))
    assert blue > 250
    assert max(red, green) < 5


@pytest.mark.parametrize("profile", [b"no profile at all", bytes(200)])
def test_a_picture_with_a_broken_colour_profile_is_accepted(profile):
    assert corners(opened(pictures.prepare(encoded("JPEG", icc_profile=profile)).body)) == UPRIGHT


def test_a_picture_with_broken_exif_is_accepted():
    body = encoded("JPEG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff")

    assert corners(opened(pictures.prepare(body).body)) == UPRIGHT


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_animation_becomes_its_first_frame(kind):
    frames = [Image.new("RGB", (40, 40), (0, 0, 255)), Image.new("RGB", (40, 40), (255, 0, 0))]

    stored = opened(pictures.prepare(encoded(kind, quarters(40, 40), save_all=True, append_images=frames)).body)

    assert getattr(stored, "n_frames", 1) == 1
    assert corners(stored) == UPRIGHT


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_a_pngs_mode_is_kept(mode):
    picture = pictures.prepare(encoded("PNG", quarters(mode=mode)))

    assert opened(picture.body).mode == mode
    assert opened(picture.thumbnail).format == "WEBP"


def test_transparency_is_kept():
    clear = Image.new("RGBA", (50, 50), (255, 0, 0, 0))
    palette = quarters().quantize(4)
    named = {"P": encoded("PNG", palette, transparency=0), "RGB": encoded("PNG", transparency=(220, 30, 30))}

    for kind in ("PNG", "WEBP"):
        picture = pictures.prepare(encoded(kind, clear))
        assert opened(picture.body).convert("RGBA").getpixel((25, 25))[3] == 0
        assert opened(picture.thumbnail).convert("RGBA").getpixel((25, 25))[3] == 0
    for body in named.values():
        assert opened(pictures.prepare(body).body).convert("RGBA").getextrema()[3] == (0, 255)


def test_a_jpeg_keeps_its_size_and_quality():
    source = encoded("JPEG", photograph(640, 480), quality=75)

    once = pictures.prepare(source).body
    twice = pictures.prepare(once).body

    assert len(once) < 1.1 * len(source)
    assert twice == pictures.prepare(once).body
    assert abs(len(twice) - len(once)) < 0.02 * len(once)


def test_a_lossless_webp_stays_lossless():
    source = photograph(64, 64)

    assert opened(pictures.prepare(encoded("WEBP", source, lossless=True)).body).tobytes() == source.tobytes()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_a_truncated_picture_is_refused(kind, part):
    body = encoded(kind, photograph(160, 120))

    with pytest.raises(UnusablePicture, match="is a damaged or incomplete"):
        pictures.prepare(body[: int(part * len(body))])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_picture_is_either_refused_or_drawn(kind, data):
    body = bytearray(encoded(kind, quarters(24, 18)))
    for at in data.draw(st.lists(st.integers(2, len(body) - 1), min_size=1, max_size=8)):
        body[at] = data.draw(st.integers(0, 255))

    try:
        picture = pictures.prepare(bytes(body))
        assert opened(picture.body).size == (picture.width, picture.height)
    except UnusablePicture as error:
        assert "0x" not in str(error)  # noqa: PT017 - alike failures must read alike


def _with_size(body: bytes, width: int, height: int) -> bytes:
    """A JPEG with a wrong size in its header."""
    at = next(body.index(marker) for marker in (b"\xff\xc0", b"\xff\xc2") if marker in body)
    return body[: at + 5] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + body[at + 9 :]


def _webp_with_size(width: int, height: int) -> bytes:
    body = encoded("WEBP", quarters(mode="RGBA"), exif=exif())
    at = body.index(b"VP8X") + 12
    return body[:at] + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little") + body[at + 6 :]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (png(60_000, 60_000, b""), r"has too many megapixels; the limit for a PNG is 18\.0"),
        (png(10_000, 10_000, b""), r"has 100\.0 megapixels; the limit for a PNG is 18\.0"),
        (_with_size(encoded("JPEG"), 60_000, 60_000), r"too many megapixels; the limit for a JPEG is 50\.5"),
        (_with_size(encoded("JPEG"), 8_000, 8_000), r"has 64\.0 megapixels; the limit for a JPEG is 50\.5"),
        (
            _with_size(encoded("JPEG", progressive=True), 5_000, 4_000),
            r"has 20\.0 megapixels; the limit for a progressive JPEG is 16\.8",
        ),
        (
            encoded("WEBP", Image.new("RGB", (2_900, 2_900)), method=0, quality=1),
            r"has 8\.4 megapixels; the limit for a WebP is 8\.3",
        ),
        (_webp_with_size(16_383, 16_383), r"megapixels; the limit for a WebP is 8\.3"),
    ],
)
def test_too_many_pixels_are_refused_before_they_are_decoded(body, reason):
    for entrance in (pictures.prepare, pictures.thumbnail):
        with pytest.raises(UnusablePicture, match=reason):
            entrance(body)


def test_too_many_bytes_are_refused_before_they_are_parsed():
    with pytest.raises(UnusablePicture, match=r"has 20971521 bytes; the limit is 20971520"):
        pictures.prepare(bytes(pictures.MAX_BYTES + 1))


def test_a_very_large_photograph_is_halved():
    picture = pictures.prepare(encoded("JPEG", Image.new("RGB", (5712, 4284), (200, 100, 50)), exif=exif(6)))

    assert (picture.width, picture.height) == (2142, 2856)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((1200, 900), (300, 225)), ((900, 1200), (225, 300)), ((80, 60), (80, 60)), ((3000, 4), (300, 1))],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_thumbnail_fits_and_is_never_enlarged(kind, size, expected):
    body = encoded(kind, quarters(*size))

    for made in (pictures.thumbnail(body), pictures.prepare(body).thumbnail):
        assert opened(made).format == "WEBP"
        assert opened(made).size == expected


def test_a_picture_that_needs_the_most_memory_stays_under_256_megabytes(tmp_path):
    """A rotated progressive CMYK JPEG of the maximum size; in a separate process, to measure its peak memory."""
    body = tmp_path / "largest.jpg"
    flat = Image.new("CMYK", (4096, 3072), (10, 200, 30, 5))
    flat.save(body, "JPEG", progressive=True, subsampling=0, exif=exif(6))
    package = Path(pictures.__file__).parents[2]

    peak = subprocess.run(  # noqa: S603 - the benchmark, measuring this one file
        [sys.executable, "-m", "tests.bench.bench_pictures", str(body)],
        capture_output=True,
        check=True,
        env={"PYTHONPATH": f"{package}:{ROOT}"},
    )

    assert float(peak.stdout) < 256
