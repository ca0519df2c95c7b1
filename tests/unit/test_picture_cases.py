"""Real-world pictures: intact ones that strict decoders refuse, and harmful ones that they accept."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from makertasks.media import jpeg, pictures
from makertasks.media.pictures import UnusablePicture
from tests.unit.picture_samples import corners, encoded, exif, opened, photograph, png, quarters

CASES = Path(__file__).parents[1] / "data" / "pictures"
UPRIGHT = ["red", "green", "blue", "white"]


def chunk(name: bytes, data: bytes, check: int | None = None) -> bytes:
    sum_ = zlib.crc32(name + data) if check is None else check
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", sum_)


def with_chunk(body: bytes, *chunks: bytes) -> bytes:
    """A PNG with chunks inserted after its header."""
    return body[:33] + b"".join(chunks) + body[33:]


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("png_itxt_xmp_1.5MB_compressed.png", "RGB"),
        ("png_bad_crc_iCCP.png", "RGB"),
        ("png_bad_crc_tEXt.png", "RGB"),
        ("jpg_dqt_ids_2_3.jpg", "RGB"),
        ("jpg_gray_dqt_id_1.jpg", "L"),
        ("jpg_truncated_2bytes_noEOI.jpg", "RGB"),
        ("grey16-12.8MP.png", "L"),
    ],
)
def test_a_picture_that_browsers_can_show_is_accepted(name, mode):
    body = (CASES / name).read_bytes()

    picture = pictures.prepare(body)

    assert opened(picture.body).mode == mode
    assert opened(picture.thumbnail).size == opened(pictures.thumbnail(body)).size


@pytest.mark.parametrize(
    "name", ["indexed-without-plte.png", "indexed-without-plte-trns.png", "printcrash-AssertionError.bin"]
)
def test_an_indexed_picture_without_a_palette_is_refused_with_the_reason(name):
    for entrance in (pictures.prepare, pictures.thumbnail):
        with pytest.raises(UnusablePicture, match=r"damaged or incomplete PNG.*palette, which is missing"):
            entrance((CASES / name).read_bytes())


def test_a_picture_with_a_colour_profile_above_a_megabyte_is_accepted():
    noise = photograph(800, 500).tobytes()
    assert len(noise) > 1024 * 1024
    body = with_chunk(encoded("PNG"), chunk(b"iCCP", b"large\x00\x00" + zlib.compress(noise)))

    assert corners(opened(pictures.prepare(body).body)) == UPRIGHT


@pytest.mark.parametrize("name", [b"zTXt", b"iCCP"])
def test_metadata_that_unpacks_to_megabytes_is_discarded(name):
    bomb = chunk(name, b"Comment\x00\x00" + zlib.compress(bytes(64 * 1024 * 1024), 9))

    assert corners(opened(pictures.prepare(with_chunk(encoded("PNG"), bomb)).body)) == UPRIGHT


@pytest.mark.parametrize("name", [b"tIME", b"pHYs", b"gAMA", b"cHRM", b"eXIf", b"acTL", b"sRGB", b"prVt"])
def test_a_picture_with_broken_metadata_is_accepted(name):
    for data in (b"", b"\x00", b"\xff" * 40):
        body = with_chunk(encoded("PNG"), chunk(name, data, check=7))

        assert corners(opened(pictures.prepare(body).body)) == UPRIGHT


@pytest.mark.parametrize("name", [b"PLTE", b"tRNS"])
def test_damage_to_visible_data_counts_as_damage(name):
    palette = encoded("PNG", quarters().quantize(4), transparency=0)
    at = palette.index(name)

    with pytest.raises(UnusablePicture, match="damaged or incomplete PNG"):
        pictures.prepare(palette[: at + 4] + bytes([palette[at + 4] ^ 1]) + palette[at + 5 :])


def test_a_png_that_lacks_only_its_end_is_accepted():
    assert corners(opened(pictures.prepare(encoded("PNG")[:-12]).body)) == UPRIGHT


def test_a_png_of_many_small_chunks_is_read_in_one_piece():
    body = encoded("PNG", photograph(160, 120))
    start = body.index(b"IDAT")
    length = int.from_bytes(body[start - 4 : start], "big")
    data = body[start + 4 : start + 4 + length]
    pieces = b"".join(chunk(b"IDAT", data[at : at + 1]) + chunk(b"IDAT", b"") for at in range(len(data)))

    picture = pictures.prepare(body[: start - 4] + pieces + body[start + 8 + length :])

    assert opened(picture.body).tobytes() == opened(body).tobytes()


def grey_png(depth: int, samples: list[int], transparent: int) -> bytes:
    """One row of grey samples, one of which means transparent."""
    bits = "".join(f"{sample:0{depth}b}" for sample in samples)
    bits += "0" * (-len(bits) % 8)
    row = b"\x00" + int(bits, 2).to_bytes(len(bits) // 8, "big")
    header = struct.pack(">IIBBBBB", len(samples), 1, depth, 0, 0, 0, 0)
    parts = [
        (b"IHDR", header),
        (b"tRNS", struct.pack(">H", transparent)),
        (b"IDAT", zlib.compress(row)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(name, data) for name, data in parts)


@pytest.mark.parametrize(
    ("depth", "samples", "transparent"),
    [
        (1, [0, 1, 1, 0], 1),
        (2, [0, 1, 2, 3], 2),
        (4, [0, 5, 10, 15], 5),
        (8, [0, 5, 200, 255], 200),
        (16, [0, 0x1234, 0x1235, 0xFFFF], 0x1234),
    ],
)
def test_grey_of_every_bit_depth_keeps_its_transparent_value(depth, samples, transparent):
    picture = pictures.prepare(grey_png(depth, samples, transparent))

    for stored in (opened(picture.body), opened(picture.thumbnail).convert("RGBA")):
        assert [stored.getpixel((x, 0))[-1] == 0 for x in range(4)] == [sample == transparent for sample in samples]


@pytest.mark.parametrize("name", ["grey16-trns.png", "rgb16-trns.png"])
def test_a_picture_of_16_bits_keeps_its_transparency(name):
    stored = opened(pictures.prepare((CASES / name).read_bytes()).body)

    assert stored.getextrema()[-1] == (0, 255)


def test_16_bits_of_colour_are_compared_whole():
    """Two colours with the same high bytes: only the one that the file names is transparent."""
    key, near = (0x1234, 0x5678, 0x9ABC), (0x1234, 0x5678, 0x9ABD)
    row = b"\x00" + b"".join(struct.pack(">HHH", *colour) for colour in (key, near))
    header = struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"tRNS", struct.pack(">HHH", *key)), (b"IDAT", zlib.compress(row)), (b"IEND", b"")]
    body = b"\x89PNG\r\n\x1a\n" + b"".join(chunk(name, data) for name, data in parts)

    stored = opened(pictures.prepare(body).body)

    assert [stored.getpixel((x, 0)) for x in (0, 1)] == [(0x12, 0x56, 0x9A, 0), (0x12, 0x56, 0x9A, 255)]


def test_transparency_is_applied_before_a_large_picture_is_halved():
    large = Image.new("RGB", (4200, 4200), (0, 0, 255))
    large.paste((255, 0, 0), (1, 0, 4200, 4200))

    stored = opened(pictures.prepare(encoded("PNG", large, transparency=(255, 0, 0), compress_level=1)).body)

    assert stored.size == (2100, 2100)
    assert stored.getpixel((1000, 1000))[3] == 0
    assert stored.getpixel((0, 1000))[2] == 255  # pure blue, not mixed with the transparent pixels


@pytest.mark.parametrize("size", [(1, 18_000_000), (18_000_000, 1), (2, 70_000)])
def test_a_picture_with_an_excessive_side_is_refused_before_it_is_decoded(size):
    with pytest.raises(UnusablePicture, match=rf"is {size[0]} x {size[1]} pixels; the limit for a side is 65535"):
        pictures.prepare(png(*size, b""))


def with_scans(count: int) -> bytes:
    """A progressive JPEG that repeats its last scan many times."""
    body = encoded("JPEG", quarters(), progressive=True)
    last = body.rindex(b"\xff\xda")
    return body[:last] + body[last:-2] * (count - jpeg.structure(body).scans + 1) + jpeg.END


def test_a_jpeg_of_more_than_a_hundred_scans_is_refused_before_it_is_decoded(monkeypatch):
    assert corners(opened(pictures.prepare(with_scans(100)).body)) == UPRIGHT
    monkeypatch.setattr(Image, "open", None)

    for entrance in (pictures.prepare, pictures.thumbnail):
        with pytest.raises(UnusablePicture, match=r"more than 100 scans .* Save it again"):
            entrance(with_scans(101))


def test_a_jpeg_with_too_many_segments_is_refused_before_it_is_decoded():
    body = encoded("JPEG")

    with pytest.raises(UnusablePicture, match="10000 segments"):
        pictures.prepare(body[:2] + b"\xff\xfe\x00\x02" * 10_001 + body[2:])


def test_scans_inside_metadata_are_not_counted():
    hidden = b"\xff\xda\x00\x04ab" * 200
    body = encoded("JPEG", comment=hidden)
    assert hidden in body

    assert jpeg.structure(body).scans == 1


def test_restart_marks_and_stuffed_zeros_are_no_scans():
    plain = encoded("JPEG", photograph(160, 120), restart_marker_blocks=1)
    assert b"\xff\xd3" in plain

    assert jpeg.structure(plain) == (1, jpeg.structure(plain).segments, True)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"optimize": True}, {"restart_marker_blocks": 3}])
@pytest.mark.parametrize("lacking", [1, 2])
def test_a_jpeg_that_lacks_only_its_end_marker_is_accepted(options, lacking):
    body = encoded("JPEG", photograph(160, 120), exif=exif(6), **options)

    assert pictures.prepare(body[:-lacking]).body == pictures.prepare(body).body


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"optimize": True}])
@pytest.mark.parametrize("lacking", [8, 40, 400])
def test_a_jpeg_with_missing_pixels_is_refused(options, lacking):
    body = encoded("JPEG", photograph(160, 120), **options)

    with pytest.raises(UnusablePicture, match="damaged or incomplete JPEG"):
        pictures.prepare(body[:-lacking])


def test_a_jpeg_with_one_scan_per_component_has_the_limits_of_a_progressive_one():
    """Its coefficients wait in memory until the last scan."""
    one = encoded("JPEG", Image.new("L", (6000, 4000)))
    twice = one[: one.index(b"\xff\xda")] + one[one.index(b"\xff\xda") : -2] * 2 + jpeg.END

    pictures.thumbnail(one)
    with pytest.raises(UnusablePicture, match=r"limit for a JPEG of several scans is 16\.8"):
        pictures.thumbnail(twice)


def test_quantisation_tables_follow_their_components_whatever_their_numbers():
    stored = opened(pictures.prepare((CASES / "jpg_dqt_ids_2_3.jpg").read_bytes()).body)
    source = opened((CASES / "jpg_dqt_ids_2_3.jpg").read_bytes())

    assert [stored.quantization[layer[3]] for layer in stored.layer] == [
        source.quantization[layer[3]] for layer in source.layer
    ]


@pytest.mark.parametrize(
    "error",
    [AssertionError(), AttributeError("palette"), RuntimeError("broken"), MemoryError(), zlib.error("Error -3")],
)
def test_any_decoder_error_means_a_damaged_picture(monkeypatch, error):
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("PIL.JpegImagePlugin.JpegImageFile.load", fail)

    with pytest.raises(UnusablePicture, match="damaged or incomplete JPEG"):
        pictures.prepare(encoded("JPEG"))
