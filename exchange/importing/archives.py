"""What a packed file is, and that it does not inflate to more than a hub has room for.

Workbooks and exports of other systems are ZIP archives. A small one may inflate to a hundred
gigabytes, and what it says about its sizes may be a lie. So its members are inflated once, a block
at a time, and counted; at the limit that ends, and nothing of it was kept.
"""

import struct
import zipfile
import zlib
from pathlib import Path

from exchange.importing.errors import CannotRead

XLSX, XLS, XLSB, ODS, MAILCHIMP = "xlsx", "xls", "xlsb", "ods", "mailchimp"
MOST_INFLATED = 2 << 30
# Tables come to a twentieth or so; a megabyte of one letter comes to a thousandth.
MOST_RATIO, _RATIO_COUNTS_FROM = 250, 16 << 20
_MOST_MEMBERS = 10_000
_BLOCK = 1 << 16
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LOCAL_HEADER = struct.Struct("<4s5H3I2H")
_ENCRYPTED = 0x1

_TOO_MUCH = (
    "The file inflates to far more than its size, which is how files look that are made to fill a "
    "disk. If it is a table of yours, save it as CSV, and upload that."
)
DAMAGED = "The file is damaged: it ends early, or was changed on its way. Save it again."


def kind_of(path: Path, start: bytes) -> str:
    """Which workbook or export the file at `path`, which begins so, is; "" if it is not packed.

    :raises CannotRead: if it is damaged, too large, or an archive of something else
    """
    if start.startswith(_OLE):
        return XLS
    if not start.startswith(_ZIP):
        return ""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise CannotRead(DAMAGED) from None
    kind = _kind_by_names({member.filename for member in members})
    check_sizes(path, members)
    return kind


def check_sizes(path: Path, members: list[zipfile.ZipInfo]) -> None:
    """Make sure that these members of an archive inflate to what a hub has room for.

    :raises CannotRead: if they do not, or cannot be read
    """
    if len(members) > _MOST_MEMBERS:
        raise CannotRead(_TOO_MUCH)
    if any(member.flag_bits & _ENCRYPTED for member in members):
        raise CannotRead("The file has a password. Take it off, and upload it again.")
    # What it says itself costs nothing to look at; only the truth is not told by it.
    _check_size(
        sum(member.file_size for member in members),
        sum(member.compress_size for member in members),
    )
    inflated = packed = 0
    with path.open("rb") as file:
        for member in members:
            packed += member.compress_size
            for size in _inflate(file, member):
                inflated += size
                _check_size(inflated, packed)


def _check_size(inflated: int, packed: int) -> None:
    is_dense = inflated > _RATIO_COUNTS_FROM and inflated > MOST_RATIO * max(packed, 1)
    if inflated > MOST_INFLATED or is_dense:
        raise CannotRead(_TOO_MUCH)


def _inflate(file, member: zipfile.ZipInfo):
    """The sizes of the blocks that a member inflates to."""
    file.seek(member.header_offset)
    header = file.read(_LOCAL_HEADER.size)
    if len(header) < _LOCAL_HEADER.size or not header.startswith(_ZIP):
        raise CannotRead(DAMAGED)
    fields = _LOCAL_HEADER.unpack(header)
    file.seek(fields[-2] + fields[-1], 1)
    if member.compress_type == zipfile.ZIP_STORED:
        yield member.compress_size
        return
    if member.compress_type != zipfile.ZIP_DEFLATED:
        raise CannotRead("The file is packed in a way that is not read. Save it as CSV.")
    inflater, left = zlib.decompressobj(-zlib.MAX_WBITS), member.compress_size
    try:
        while left > 0 and (block := file.read(min(_BLOCK, left))):
            left -= len(block)
            while block and not inflater.eof:
                yield len(inflater.decompress(block, _BLOCK))
                block = inflater.unconsumed_tail
    except zlib.error:
        raise CannotRead(DAMAGED) from None


def _kind_by_names(names: set[str]) -> str:
    if "xl/workbook.xml" in names:
        return XLSX
    if "xl/workbook.bin" in names:
        return XLSB
    if "content.xml" in names and "mimetype" in names:
        return ODS
    if any(name.lower().endswith(".csv") for name in names):
        return MAILCHIMP
    raise CannotRead(
        "The ZIP archive has no CSV files, and is no workbook. Unpack it, and upload the table."
    )
