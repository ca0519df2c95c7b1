"""Time and memory of cleaning pictures.

Memory is the peak of a separate process that does nothing else: the largest image allowed of each kind, in the form
that needs the most (rotated, fully transparent or in four colours, without flat areas that an encoder could skip).
"""

from __future__ import annotations

import io
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps, JpegImagePlugin

from makertasks.media import encoding, pictures
from tests.bench.figures import Figure
from tests.unit.picture_samples import exif, photograph

ROUNDS = 15
THUMBNAIL_MILLISECONDS = 150.0
PEAK_MEGABYTES = 256.0
MOST_PREPARE = 0.8  # maximum share of the straightforward implementation's CPU time

TWELVE_MEGAPIXELS = (4000, 3000)

# What, encoder, mode, width, height, and the encoder's options. Sizes are the largest whole ones under the limits.
LARGEST: tuple[tuple[str, str, str, int, int, dict[str, Any]], ...] = (
    ("JPEG of 50 megapixels", "JPEG", "RGB", 8192, 6144, {"quality": 70}),
    ("JPEG of 12.6 megapixels, kept whole", "JPEG", "RGB", 4096, 3072, {"quality": 90}),
    ("progressive CMYK JPEG, 16.8 megapixels", "JPEG", "CMYK", 4730, 3547, {"progressive": True, "subsampling": 0}),
    ("progressive CMYK JPEG, kept whole", "JPEG", "CMYK", 4096, 3072, {"progressive": True, "subsampling": 0}),
    ("PNG with transparency, 18 megapixels", "PNG", "RGBA", 4896, 3672, {"compress_level": 1}),
    ("PNG with transparency, kept whole", "PNG", "RGBA", 4096, 3072, {"compress_level": 1}),
    ("WebP with transparency, 8.3 megapixels", "WEBP", "RGBA", 3840, 2160, {"quality": 60, "method": 0}),
    ("WebP with transparency, kept whole", "WEBP", "RGBA", 2580, 1936, {"quality": 60, "method": 0}),
    ("AVIF of 18 megapixels", "AVIF", "RGB", 4896, 3672, {"speed": 10}),
    ("AVIF with transparency, 12.6 megapixels", "AVIF", "RGBA", 4096, 3072, {"speed": 10}),
    ("AVIF with transparency, kept whole", "AVIF", "RGBA", 2580, 1936, {"speed": 10}),
    ("lossless WebP, kept whole", "WEBP", "RGBA", 2360, 1770, {"lossless": True, "quality": 0, "method": 0}),
)


def _encoded(kind: str, mode: str, width: int, height: int, options: dict[str, Any], orientation: int = 6) -> bytes:
    out = io.BytesIO()
    # A PNG of a detailed picture would exceed the size limit.
    image = photograph(width, height, mode) if kind != "PNG" else photograph(64, 64, mode).resize((width, height), 0)
    image.save(out, kind, exif=exif(orientation), **options)
    return out.getvalue()


def thumbnail_time() -> Figure:
    """Median CPU milliseconds of a thumbnail of a 12-megapixel JPEG."""
    body = _encoded("JPEG", "RGB", *TWELVE_MEGAPIXELS, {"quality": 90})
    pictures.thumbnail(body)  # the first one imports what Pillow still lacks
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        pictures.thumbnail(body)
        times.append(time.process_time() - began)
    median = sorted(times)[len(times) // 2]
    return Figure("thumbnail of a 12-megapixel JPEG, CPU", 1000 * median, "ms", THUMBNAIL_MILLISECONDS)


def plain(body: bytes) -> None:
    """A straightforward program: rotates the picture, encodes it equally well, then makes a thumbnail of that file."""
    image = Image.open(io.BytesIO(body))
    options = {"qtables": image.quantization, "subsampling": JpegImagePlugin.get_sampling(image)}
    ImageOps.exif_transpose(image).save(stored := io.BytesIO(), "JPEG", **options)
    image = Image.open(stored)
    image.thumbnail((encoding.THUMBNAIL_SIDE, encoding.THUMBNAIL_SIDE))
    image.save(io.BytesIO(), "WEBP", quality=encoding.THUMBNAIL_QUALITY)


def prepare_time() -> Figure:
    """CPU time of cleaning an upright 12-megapixel JPEG and of the straightforward program, measured alternately.

    The straightforward program decodes twice, the second time coarsely. Compared with one that makes its thumbnail from
    the pixels that it has, the share is 1, because libjpeg and libwebp take all of the time; decoding and encoding are
    four fifths of it. For a picture that must be turned it is 0.9: both spend the same time on turning.
    """
    body = _encoded("JPEG", "RGB", *TWELVE_MEGAPIXELS, {"quality": 90}, orientation=1)
    shares = []
    for _ in range(ROUNDS):
        began = time.process_time()
        pictures.prepare(body)
        between = time.process_time()
        plain(body)
        shares.append((between - began) / (time.process_time() - between))
    return Figure(
        "cleaning a 12-megapixel JPEG, share of the straightforward CPU time",
        statistics.median(shares),
        "×",
        MOST_PREPARE,
    )


def peak_memory() -> list[Figure]:
    """Peak memory in megabytes for each of the largest pictures allowed."""
    rows = []
    for what, kind, mode, width, height, options in LARGEST:
        with tempfile.NamedTemporaryFile() as file:
            file.write(_encoded(kind, mode, width, height, options))
            file.flush()
            made = subprocess.run(  # noqa: S603 - this module, again
                [sys.executable, "-m", "tests.bench.bench_pictures", file.name],
                capture_output=True,
                check=True,
                text=True,
            )
        rows.append(Figure(f"{what}, memory", float(made.stdout), "MB", PEAK_MEGABYTES))
    return rows


def own_peak() -> float:
    """This process's peak memory in megabytes.

    Linux reports it for the running program; getrusage, which other systems use, also counts the parent process.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # bytes, on macOS


def rows() -> list[Figure]:
    """Everything this module measures."""
    return [thumbnail_time(), prepare_time(), *peak_memory()]


if __name__ == "__main__":  # prints the peak of preparing one file in this process
    pictures.prepare(Path(sys.argv[1]).read_bytes())
    print(own_peak())  # noqa: T201
