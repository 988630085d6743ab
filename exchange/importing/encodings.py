"""In which encoding a text file is, found by looking at all of it.

A file that mixes two encodings is read by the one that most of its rows are in. A row that is in
the other is told apart, so that none of its letters becomes another one.
"""

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from exchange.importing.errors import CannotRead

UTF_8, WINDOWS = "utf-8", "cp1252"
# What a user may choose where looking finds the wrong one: the codec, and what it is called.
CHOICES = (
    (UTF_8, "UTF-8"),
    (WINDOWS, "Windows-1252 (Western Europe)"),
    ("cp1250", "Windows-1250 (Central Europe)"),
    ("cp1251", "Windows-1251 (Cyrillic)"),
    ("cp1253", "Windows-1253 (Greek)"),
    ("cp1254", "Windows-1254 (Turkish)"),
    ("iso8859-15", "ISO 8859-15 (Latin 9)"),
    ("mac-roman", "Mac Roman"),
    ("shift_jis", "Shift JIS (Japanese)"),
    ("gb18030", "GB 18030 (Chinese)"),
    ("big5", "Big5 (Chinese)"),
    ("euc-kr", "EUC-KR (Korean)"),
)
# Marks at the beginning; the longer ones first, since one begins as another does.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BLOCK = 1 << 16
# Lines that are longer are cut for counting; of what is left of a character nothing follows.
_LINE = 1 << 16
# What programs keep that is no text, by its first bytes.
_NO_TABLES = (
    (b"%PDF-", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"\x1f\x8b", "a file packed by gzip"),
    (b"SQLite format 3", "a database of SQLite"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
)
# A few NULs are those of single rows.
_NUL_SHARE, _FEW_NULS = 0.02, 16
_STRAY = re.compile("[\udc80-\udcff\ufffd]")


@dataclass(frozen=True)
class Encoding:
    """How a file is decoded.

    :ivar codec: what Python calls it
    :ivar said: what users call it
    :ivar is_mixed: whether some rows are in another encoding, or in none
    """

    codec: str
    said: str
    is_mixed: bool = False

    @property
    def errors(self) -> str:
        """How the codec marks what it cannot read, so that `why_not` finds it."""
        return "replace" if self.codec.startswith(("utf-16", "utf-32")) else "surrogateescape"

    def why_not(self, text: str) -> str:
        """Why the text of a row is not what its sender wrote; "" if nothing is wrong with it."""
        if _STRAY.search(text):
            return (
                f"This row has characters that are not {self.said}, as most of the file is. Save "
                "the file in one encoding, best as “CSV UTF-8”."
            )
        if self.codec == WINDOWS and not text.isascii() and _is_utf_8(text):
            return (
                "This row is in UTF-8, while most of the file is in Windows-1252. Save the file in "
                "one encoding, best as “CSV UTF-8”."
            )
        return ""


def find_encoding(path: Path, chosen: str = "") -> Encoding:
    """The encoding of the text file at `path`, or the `chosen` one of `CHOICES`.

    :raises CannotRead: if the file is no text
    """
    with path.open("rb") as file:
        start = file.read(_LINE)
    refuse_what_is_no_table(start)
    for mark, codec in _MARKS:
        if start.startswith(mark):
            is_mixed = codec == "utf-8-sig" and not _is_all_utf_8(path)
            return Encoding(codec, _said(codec), is_mixed)
    if codec := _utf_16_without_mark(start):
        return Encoding(codec, "UTF-16")
    if start.count(0) > max(_NUL_SHARE * len(start), _FEW_NULS):
        raise CannotRead(
            "The file is no text: it is full of NUL characters. Save the table as CSV or as an "
            "Excel workbook (.xlsx), and upload that."
        )
    if chosen:
        if chosen not in dict(CHOICES):
            raise CannotRead(f"The hub does not know the encoding “{chosen[:40]}”.")
        return Encoding(chosen, dict(CHOICES)[chosen], is_mixed=True)
    if _is_all_utf_8(path):
        return Encoding(UTF_8, "UTF-8")
    utf_8, others = _count_lines(path)
    if utf_8 > others:
        return Encoding(UTF_8, "UTF-8", is_mixed=True)
    return Encoding(WINDOWS, "Windows-1252", is_mixed=True)


def refuse_what_is_no_table(start: bytes) -> None:
    """Look at the first bytes of a file.

    :raises CannotRead: if they are those of something that has no rows
    """
    for mark, what in _NO_TABLES:
        if start.startswith(mark):
            raise CannotRead(
                f"The file is {what}, and no table. Save the table as CSV or as an Excel workbook "
                "(.xlsx), and upload that."
            )


def _said(codec: str) -> str:
    return "UTF-8" if codec.startswith("utf-8") else codec.upper()


def _utf_16_without_mark(start: bytes) -> str:
    """The codec of UTF-16, if every other byte of mostly Latin text is NUL; or ""."""
    even, odd = start[::2], start[1::2]
    if len(start) < 4 or not odd:
        return ""
    if odd.count(0) > 0.6 * len(odd) and even.count(0) < 0.1 * len(even):
        return "utf-16-le"
    if even.count(0) > 0.6 * len(even) and odd.count(0) < 0.1 * len(odd):
        return "utf-16-be"
    return ""


def _is_all_utf_8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _count_lines(path: Path) -> tuple[int, int]:
    """How many lines with letters beyond ASCII are UTF-8, and how many are not."""
    utf_8 = others = 0
    with path.open("rb") as file:
        while line := file.readline(_LINE):
            if line.isascii():
                continue
            try:
                line.decode()
                utf_8 += 1
            except UnicodeDecodeError:
                others += 1
    return utf_8, others


def _is_utf_8(text: str) -> bool:
    try:
        text.encode(WINDOWS).decode()
    except UnicodeError:
        return False
    return True
