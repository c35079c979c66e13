import io
import struct
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.io import ImageReadMode, decode_image

from synthmix.data._files import FIRST_OF_MANY, decoded
from synthmix.errors import DataError, MissingPackage
from synthmix.noticed import noticing

NOISE = np.random.default_rng(0).integers(0, 256, (8, 16, 3), dtype=np.uint8)


def encoded(image: Image.Image | np.ndarray, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def read(data: bytes, name: str = "x") -> np.ndarray:
    return decoded(io.BytesIO(data), name)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*extra: bytes, depth: int = 8, colour: int = 2, rows: bytes | None = None) -> bytes:
    """Two by two pixels, of 200, 100, 50 where nothing else is given."""
    rows = 2 * (b"\0" + 2 * bytes([200, 100, 50])) if rows is None else rows
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, depth, colour, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(extra) + data + chunk(b"IEND", b"")


def tiff(order: str, bits: int, data: bytes, *, samples: int = 1, colours: int = 1, kind: int = 1):
    """Two by two pixels without compression; `kind` is the sample format."""
    tags = {256: 2, 257: 2, 258: bits, 259: 1, 262: colours, 277: samples, 278: 2, 339: kind}
    entries = {tag: (3, 1, struct.pack(order + "H", value)) for tag, value in tags.items()}
    end = 8 + 2 + 12 * (len(entries) + 2) + 4
    entries[279] = (4, 1, struct.pack(order + "I", len(data)))
    if samples == 3:
        entries[258] = (3, 3, struct.pack(order + "I", end))
        entries[339] = (3, 3, struct.pack(order + "I", end + 6))
    tail = struct.pack(order + "6H", bits, bits, bits, kind, kind, kind)
    entries[273] = (4, 1, struct.pack(order + "I", end + len(tail)))
    listed = b"".join(
        struct.pack(order + "HHI", tag, type_, count) + value.ljust(4, b"\0")
        for tag, (type_, count, value) in sorted(entries.items())
    )
    head = struct.pack(order + "2sHI", b"II" if order == "<" else b"MM", 42, 8)
    return head + struct.pack(order + "H", len(entries)) + listed + bytes(4) + tail + data


# the decoders go from torchvision one day; those of this version are still another's
OLD = pytest.mark.filterwarnings("ignore:The image decoding and encoding:DeprecationWarning")


@OLD
@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("JPEG", {"quality": 95}), ("GIF", {})])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_pixels_are_those_of_another_decoder(kind: str, options: dict, mode: str) -> None:
    data = encoded(Image.fromarray(NOISE).convert(mode), kind, **options)
    other = decode_image(torch.tensor(list(data), dtype=torch.uint8), ImageReadMode.RGB)
    np.testing.assert_allclose(read(data).astype(int), other.permute(1, 2, 0).numpy(), atol=1)


@OLD
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", range(10))
def test_every_orientation_is_that_of_another_decoder(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x112] = orientation
    data = encoded(NOISE, kind, exif=exif)
    tensor = torch.tensor(list(data), dtype=torch.uint8)
    if kind == "PNG" and not 1 <= orientation <= 8:
        orientation_free = encoded(NOISE, kind)
        tensor = torch.tensor(list(orientation_free), dtype=torch.uint8)
    other = decode_image(tensor, ImageReadMode.RGB, apply_exif_orientation=True)
    found = read(data)
    assert found.shape == tuple(other.permute(1, 2, 0).shape)
    np.testing.assert_allclose(found.astype(int), other.permute(1, 2, 0).numpy(), atol=1)


@pytest.mark.parametrize(
    ("kind", "options"),
    [("TIFF", {"tiffinfo": {274: 6}}), ("WEBP", {"lossless": True}), ("AVIF", {"quality": 100})],
)
def test_other_formats_are_turned_upright_too(kind: str, options: dict) -> None:
    exif = Image.Exif()
    exif[0x112] = 6
    picture = np.zeros((16, 32, 3), np.uint8)
    picture[:, 16:] = 255
    found = read(
        encoded(picture, kind, **(options if kind == "TIFF" else {**options, "exif": exif}))
    )
    assert found.shape == (32, 16, 3)
    assert found[:14].max() < 10
    assert found[18:].min() > 245


XMP = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'


@pytest.mark.parametrize(
    "data",
    [
        png(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)),
        png(chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(XMP))),
        encoded(NOISE, "JPEG", xmp=XMP),
        png(
            chunk(
                b"zTXt",
                b"Raw profile type exif\0\0"
                + zlib.compress(
                    b"\nexif\n      26\n"
                    + struct.pack("<2sHIHHHIHHI", b"II", 42, 8, 1, 0x112, 3, 1, 6, 0, 0)
                    .hex()
                    .encode()
                ),
            )
        ),
    ],
    ids=["itxt", "packed-itxt", "jpeg", "imagemagick"],
)
def test_an_orientation_is_found_wherever_it_stands(data: bytes) -> None:
    rows = bytes([0, *(2 * [9, 9, 9]), 0, *(2 * [200, 200, 200])])
    if data.startswith(b"\x89PNG"):
        shown = read(data.replace(png()[33:-12], png(rows=rows)[33:-12]))
        assert shown[:, 0].max() == 200  # the lower row became the left column
        assert shown[:, 1].max() == 9
    else:
        assert read(data).shape == (16, 8, 3)


LONG = zlib.compress(bytes(3_000_000))


@pytest.mark.parametrize(
    "extra",
    [
        chunk(b"zTXt", b"graph\0\0" + LONG),
        chunk(b"iTXt", b"graph\0\1\0\0\0" + LONG),
        chunk(b"iCCP", b"press\0\0" + LONG),
        chunk(b"iCCP", b"press\0\0not packed"),
        chunk(b"tEXt", b"k\0v")[:-4] + b"gone",
        chunk(b"gAMA", b"\0"),
        chunk(b"cHRM", b""),
        chunk(b"eXIf", b"MM\0*\xff\xff\xff\xff"),
        chunk(b"eXIf", b"no EXIF"),
        chunk(b"acTL", b"\0"),
        chunk(b"pHYs", b"\0\0"),
        chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n 3\nzz")),
    ],
)
def test_of_a_png_the_pixels_count(extra: bytes) -> None:
    assert (read(png(extra)) == [200, 100, 50]).all()
    assert (read(png()[:-12] + extra + png()[-12:]) == [200, 100, 50]).all()


def segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, 2 + len(data)) + data


@pytest.mark.parametrize(
    "extra",
    [
        segment(0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff"),
        segment(0xE1, b"Exif\0\0"),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<broken"),
        segment(0xE2, b"MPF\0MM\0*\0\0\0\x08\xff\xff" + bytes(range(200))),
        segment(0xE2, b"ICC_PROFILE\0\1\2short"),
        segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0\xff\xff\xff\xff"),
        segment(0xFE, bytes(60_000)),
        b"\xff\xff\xff",
    ],
)
def test_of_a_jpeg_the_pixels_count(extra: bytes) -> None:
    data = encoded(NOISE, "JPEG")
    assert (read(data[:2] + extra + data[2:]) == read(data)).all()


@pytest.mark.parametrize(
    ("kind", "options"), [("WEBP", {"lossless": True}), ("AVIF", {"quality": 100})]
)
def test_of_webp_and_avif_the_pixels_count(kind: str, options: dict) -> None:
    exif = Image.Exif()
    exif[0x10E] = "a title"
    written = encoded(NOISE, kind, exif=exif, **options)
    whole = b"MM\0*\0\0\0\x08"
    assert whole in written
    for odd in (b"MM\0*\x7f\xff\xff\xff", b"no EXIF!"):
        broken = written.replace(whole, odd)
        assert (read(broken) == read(encoded(NOISE, kind, **options))).all()


@pytest.mark.parametrize("order", ["<", ">"])
def test_of_a_tiff_the_pixels_count_and_it_is_turned(order: str) -> None:
    plain = tiff(order, 8, bytes([1, 2, 3, 4]))
    count = struct.unpack_from(order + "H", plain, 8)[0]
    odd = [(274, 3, 1, struct.pack(order + "H", 6)), (282, 9, 1, struct.pack(order + "i", -1))]
    odd += [(305, 2, 1 << 30, bytes(4)), (700, 7, 1 << 30, b"\xff" * 4), (34675, 7, 9, bytes(4))]
    # the directory is moved to the end, where there is room for more entries
    added = b"".join(struct.pack(order + "HHI", *e[:3]) + e[3].ljust(4, b"\0") for e in odd)
    listed = plain[10 : 10 + 12 * count]
    every = listed + added
    entries = [every[at : at + 12] for at in range(0, len(every), 12)]
    entries.sort(key=lambda entry: struct.unpack_from(order + "H", entry))
    directory = struct.pack(order + "H", len(entries)) + b"".join(entries) + bytes(4)
    moved = plain[:4] + struct.pack(order + "I", len(plain)) + plain[8:] + directory
    assert read(moved)[..., 0].tolist() == [[3, 1], [4, 2]]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("bits", "samples", "kind", "values"),
    [(16, 1, 1, "4H"), (16, 3, 1, "12H"), (32, 1, 3, "4f"), (8, 1, 2, "4b"), (32, 1, 1, "4I")],
)
def test_a_tiff_that_8_bits_cannot_hold_is_refused(
    order: str, bits: int, samples: int, kind: int, values: str
) -> None:
    data = struct.pack(order + values, *[100] * int(values[:-1]))
    deep = tiff(order, bits, data, samples=samples, colours=2 if samples == 3 else 1, kind=kind)
    with pytest.raises(DataError, match=r"^deep\.tif cannot be read as an image: it[s ]"):
        read(deep, "deep.tif")


@pytest.mark.parametrize(
    "data",
    [
        b"P5 2 2 65535\n" + bytes(8),
        b"P5 2 2 1023\n" + bytes(8),
        b"P6 2 2 65535\n" + bytes(24),
        b"P2 2 2 300\n1 2 3 300 ",
        png(depth=16, colour=4, rows=bytes(18)),
        png(chunk(b"tRNS", b"\0\0"), depth=16, colour=0, rows=bytes(10)),
    ],
)
def test_other_deep_pictures_are_refused(data: bytes) -> None:
    with pytest.raises(DataError, match="bits a channel"):
        read(data)


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_tiff_of_8_bits_or_fewer_is_read_as_it_shows(order: str) -> None:
    grey = tiff(order, 8, bytes([1, 2, 3, 4]))
    assert read(grey)[..., 0].tolist() == [[1, 2], [3, 4]]
    assert read(tiff(order, 8, bytes([1, 2, 3, 4]), colours=0))[0, 0, 0] == 254  # white is zero
    assert read(tiff(order, 1, b"\x80\x40", colours=0))[..., 0].tolist() == [[0, 255], [255, 0]]
    assert read(tiff(order, 4, b"\x0f\xf0"))[..., 0].tolist() == [[0, 255], [255, 0]]


def test_a_scale_that_a_file_states_is_kept() -> None:
    assert read(b"P5 2 2 15\n" + bytes([15, 0, 5, 10]))[..., 0].tolist() == [[255, 0], [85, 170]]
    assert read(b"P4 2 2\n\x80\x40")[..., 0].tolist() == [[0, 255], [255, 0]]


def test_transparency_of_every_kind_is_laid_over_white() -> None:
    see_through = [
        png(chunk(b"tRNS", struct.pack(">HHH", 200, 100, 50))),
        png(chunk(b"tRNS", b"\0\7"), colour=0, rows=b"\0\7\7\0\7\7"),
        png(chunk(b"PLTE", bytes(3)), chunk(b"tRNS", b"\0"), colour=3, rows=bytes(6)),
        encoded(Image.new("LA", (4, 4)), "TIFF"),
        encoded(Image.new("RGBA", (4, 4)), "WEBP", lossless=True),
        encoded(Image.new("P", (4, 4)), "GIF", transparency=0),
    ]
    for data in see_through:
        assert (read(data) == 255).all()


@pytest.mark.parametrize(
    ("depth", "key", "white"),
    [(1, 0, 0), (1, 1, 1), (2, 1, 1), (2, 2, 2), (4, 1, 1), (4, 14, 14), (4, 0x1E, 14), (8, 7, 7)],
)
def test_a_transparent_grey_is_scaled_as_the_pixels_are(depth: int, key: int, white: int) -> None:
    values = np.arange(min(2**depth, 16))
    bits = "".join(f"{value:0{depth}b}" for value in values).ljust(8, "0")
    row = b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big")
    header = struct.pack(">IIBBBBB", len(values), 1, depth, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"tRNS", struct.pack(">H", key)), (b"IDAT", zlib.compress(row)))
    data = b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in parts) + chunk(b"IEND", b"")
    shown = values * 255 // (2**depth - 1)
    assert read(data)[0, :, 0].tolist() == np.where(values == white, 255, shown).tolist()


def many(kind: str) -> bytes:
    later = [Image.fromarray(255 - NOISE), Image.fromarray(NOISE[::-1])]
    lossless = {"lossless": True} if kind == "WEBP" else {}
    return encoded(NOISE, kind, save_all=True, append_images=later, **lossless)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF", "AVIF"])
def test_of_several_images_the_first_is_taken_and_told(kind: str) -> None:
    single = encoded(NOISE, kind, **({"lossless": True} if kind == "WEBP" else {}))
    with noticing() as noticed:
        found = read(many(kind), f"moving.{kind}")
        still = read(single)
    # AVIF's encoder makes the images of a sequence less exact
    np.testing.assert_allclose(found.astype(int), still, atol=25 if kind == "AVIF" else 0)
    assert noticed == {FIRST_OF_MANY: (1, (f"moving.{kind}",))}


@pytest.mark.parametrize("data", [b"%!PS-Adobe-3.0 EPSF-3.0\n", b"<!DOCTYPE html>", b"", b"II\0\0"])
def test_what_is_no_picture_is_refused_whatever_it_is_called(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.png").write_bytes(data)
    with pytest.raises(DataError, match=r"x\.png cannot be read as an image: .*none of AVIF"):
        decoded(tmp_path / "x.png", "x.png")


@pytest.mark.parametrize("cut", [3, 20, 300])
def test_a_cut_picture_is_refused_in_one_line(cut: int) -> None:
    for kind in ("JPEG", "PNG", "WEBP", "TIFF"):
        with pytest.raises(DataError, match=r"^x cannot be read as an image: [^<]+\.$") as caught:
            read(encoded(NOISE.repeat(8, axis=0), kind)[:cut])
        assert "\n" not in str(caught.value)


def test_a_picture_too_large_to_hold_is_refused_and_a_large_one_gives_no_warning() -> None:
    huge = chunk(b"IHDR", struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0))
    with pytest.raises(DataError, match=r"exceeds limit of 178956970 pixels"):
        read(png()[:8] + huge + png()[33:])
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("error")
        patch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
        assert read(encoded(NOISE, "PNG")).shape == NOISE.shape


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"


def test_heic_without_its_package_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(MissingPackage, match=r"x\.jpg is a HEIC .*pip install 'pillow-heif"):
        read(HEIC, "x.jpg")


def test_heic_is_read_with_it() -> None:
    pytest.importorskip("pillow_heif").register_heif_opener()
    exif = Image.Exif()
    exif[0x112] = 6
    picture = np.zeros((64, 128, 3), np.uint8)
    picture[:, 64:] = 255
    found = read(encoded(picture, "HEIF", quality=90, exif=exif.tobytes()))
    assert found.shape == (128, 64, 3)
    assert found[:60].max() < 20
    assert found[68:].min() > 235
