"""A picture's pixels without its metadata: which format it is, which way is up, nothing else.

Comments, profiles, camera notes and thumbnails never reach the decoder: however long, odd or
broken they are, they are not pixels. What is not understood here is handed on as it is, for the
decoder to refuse.
"""

import re
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

_MAGIC = {
    "JPEG": rb"\xff\xd8\xff",
    "PNG": rb"\x89PNG\r\n\x1a\n",
    "GIF": rb"GIF8[79]a",
    "WEBP": rb"RIFF....WEBP",
    "TIFF": rb"II[*+]\0|MM\0[*+]",
    "PPM": rb"P[1-6]\s",
    "AVIF": rb"....ftypavi[fs]",
    "HEIF": rb"....ftyp(?:hei[cxms]|hev[cx]|mif1|msf1)",
    "BMP": rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0",
    "JPEG 2000": rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51",
    "JPEG XL": rb"\xff\x0a|\0\0\0\x0cJXL ",
    "Photoshop": rb"8BPS\0\x01",
    "PostScript": rb"%!PS|\xc5\xd0\xd3\xc6",
}
READ = ("AVIF", "BMP", "GIF", "HEIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""The formats that are decoded, under Pillow's names; the others are known to be named only."""

HEAD = 32
"""Bytes from a file's start that tell its format."""


def format_of(head: bytes) -> str | None:
    """Return the format of a file that starts with these bytes, None where it is no picture's."""
    matches = (name for name, magic in _MAGIC.items() if re.match(magic, head, re.DOTALL))
    found = next(matches, None)
    if found == "HEIF" and b"avif" in head[16:]:  # the brand may say no more than "an image"
        return "AVIF"
    return found


@dataclass(frozen=True)
class Bare:
    """A picture's file without metadata; `orientation` is EXIF's, 1 for upright."""

    data: bytes
    orientation: int = 1
    has_more: bool = False
    """Whether further pictures follow the first: an animation, pages."""


def bare(data: bytes, kind: str) -> Bare:
    """Return the file of a picture with what its first picture's pixels need alone."""
    if kind == "JPEG":
        return _jpeg(data)
    if kind == "PNG":
        return _png(data)
    if kind == "TIFF":
        return _tiff(data)
    if kind in ("AVIF", "HEIF"):
        # an item of another type is not read; which way is up is a property, not EXIF's, here
        return Bare(re.sub(rb"(infe[\2\3].{7,9})Exif", rb"\1none", data, flags=re.DOTALL))
    return Bare(data)


def orientation_of(exif: bytes, xmp: bytes = b"") -> int:
    """Return EXIF's orientation, else that of XMP, from 1 to 8; 1 where neither has one."""
    body = exif.removeprefix(b"Exif\0\0")
    order = ">" if body[:2] == b"MM" else "<"
    try:
        (start,) = struct.unpack_from(order + "I", body, 4)
        (count,) = struct.unpack_from(order + "H", body, start)
        entries = [body[at : at + 12] for at in range(start + 2, start + 2 + 12 * count, 12)]
    except struct.error:
        entries = []
    return _orientation(entries, order, xmp)


_ORIENTATION = 0x112
_INTEGERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i"}


def _orientation(entries: Iterable[bytes], order: str, xmp: bytes) -> int:
    """Return the orientation among a directory's entries, else that of XMP, else 1."""
    told = re.search(rb'tiff:Orientation(?:="|>)([1-8])', xmp)
    found = int(told[1]) if told else 1
    for entry in entries:
        if len(entry) >= 12 and struct.unpack_from(order + "H", entry) == (_ORIENTATION,):
            (kind,) = struct.unpack_from(order + "H", entry, 2)
            value = order + _INTEGERS.get(kind, "0s")
            found = next(iter(struct.unpack_from(value, entry, 8 if len(entry) == 12 else 12)), 1)
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


_JFIF, _EXIF_OR_XMP, _ADOBE = 0xE0, 0xE1, 0xEE


def _jpeg(data: bytes) -> Bare:
    kept, at, exif, xmp = [data[:2]], 2, b"", b""
    while data[at : at + 1] == b"\xff" and data[at + 1 : at + 2] not in (b"\xda", b""):
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if marker == 0xFF:  # padding before a marker
            at += 1
            continue
        if length < 2:
            break
        segment = data[at : at + 2 + length]
        at += len(segment)
        if marker == _EXIF_OR_XMP:
            exif = exif or (segment[4:] if segment[4:8] == b"Exif" else b"")
            xmp = xmp or (segment if segment[4:].startswith(b"http://ns.adobe.com/xap/") else b"")
        # JFIF's and Adobe's segments tell how colours are stored
        if not (0xE0 <= marker <= 0xEF or marker == 0xFE) or marker in (_JFIF, _ADOBE):
            kept.append(segment)
    return Bare(b"".join([*kept, data[at:]]), orientation_of(exif, xmp))


_PROFILE, _XMP = b"Raw profile type exif\0", b"XML:com.adobe.xmp\0"
_LONGEST = 1 << 20  # bytes of a text that is unpacked to look for an orientation


def _png(data: bytes) -> Bare:
    kept, at, exif, xmp, has_more = [data[:8]], 8, b"", b"", False
    while at < len(data):
        length, name = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        end = at + 12 + length
        if name == b"tRNS" or not name[:1].islower():  # a capital: the picture needs it
            kept.append(data[at:end])
        elif name == b"eXIf":
            exif = data[at + 8 : end - 4]
        elif name == b"acTL":
            has_more = int.from_bytes(data[at + 8 : at + 12]) > 1
        elif name in (b"tEXt", b"zTXt") and data.startswith(_PROFILE, at + 8):
            exif = exif or _profile(
                data[at + 8 + len(_PROFILE) : end - 4], is_packed=name[0] == 122
            )
        elif name == b"iTXt" and data.startswith(_XMP, at + 8):
            xmp = _international(data[at + 8 + len(_XMP) : end - 4])
        at = end
        if name == b"IEND":
            break
    return Bare(b"".join(kept), orientation_of(exif, xmp), has_more)


def _profile(text: bytes, *, is_packed: bool) -> bytes:
    """Return the EXIF that ImageMagick writes as hexadecimal lines after three of a heading."""
    text = _unpacked(text[1:]) if is_packed else text
    try:
        return bytes.fromhex(b"".join(text.split(b"\n")[3:]).decode("ascii"))
    except ValueError:
        return b""


def _international(text: bytes) -> bytes:
    """Return an iTXt chunk's text after its keyword, language and translated keyword."""
    body = text[2:].partition(b"\0")[2].partition(b"\0")[2]
    return _unpacked(body) if text[:1] == b"\1" else body


def _unpacked(packed: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(packed, _LONGEST)
    except zlib.error:
        return b""


_PIXEL_TAGS = {
    # size, depth, compression, colours, fill order; strips; fax options and prediction
    *(256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 292, 293, 317),
    # palette, tiles, inks, extra channels, sample format, JPEG's tables, YCbCr
    *(320, 322, 323, 324, 325, 332, 338, 339, 347, *range(512, 522), 529, 530, 531, 532),
}
_XMP_TAG = 700


def _tiff(data: bytes) -> Bare:
    """Return the TIFF with a directory of the tags that pixels need alone, and of one picture."""
    order = "<" if data[:2] == b"II" else ">"
    is_big = data[2:4] in (b"+\0", b"\0+")  # BigTIFF: the same with longer numbers
    number, head, offset_at = ("Q", "Q", 8) if is_big else ("I", "H", 4)
    size = 20 if is_big else 12
    kept, entries, xmp = [], [], b""
    try:
        (start,) = struct.unpack_from(order + number, data, offset_at)
        (count,) = struct.unpack_from(order + head, data, start)
        first = start + struct.calcsize(head)
        (more,) = struct.unpack_from(order + number, data, first + size * count)
        for place in range(first, first + size * count, size):
            entry = data[place : place + size]
            entries.append(entry)
            (tag,) = struct.unpack_from(order + "H", entry)
            if tag in _PIXEL_TAGS:
                kept.append(entry)
            elif tag == _XMP_TAG:
                length, at = struct.unpack_from(order + 2 * number, entry, 4)
                xmp = data[at : at + min(length, _LONGEST)]
    except struct.error:
        return Bare(data)
    directory = (
        struct.pack(order + head, len(kept)) + b"".join(kept) + bytes(struct.calcsize(number))
    )
    bare_data = data[:start] + directory + data[start + len(directory) :]
    return Bare(bare_data, _orientation(entries, order, xmp), has_more=more != 0)
