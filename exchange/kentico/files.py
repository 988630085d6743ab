"""Files of contact groups: an XML document each, with the conditions in a text of their own."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from exchange.problems import InvalidConfiguration

_OBJECT = "om.contactgroup"
_LARGEST_BYTES = 5_000_000


class Unreadable(ValueError):
    """A file, or the conditions in it, that cannot be read; the message says why."""


@dataclass(frozen=True)
class KenticoGroup:
    """A contact group as its file has it; `condition` is text that is yet to be read."""

    file: Path
    code_name: str
    name: str
    description: str
    guid: str
    enabled: bool
    is_recipient_list: bool
    condition: str


def group_files(folder: Path) -> list[Path]:
    """The files of contact groups in `folder`: all XML files, or those of a whole repository.

    :raises InvalidConfiguration: if there are none
    """
    if not folder.is_dir():
        raise InvalidConfiguration("There is no such folder.", file=str(folder))
    folders = [folder, *folder.rglob(_OBJECT)] if folder.name != _OBJECT else [folder]
    repository = [one for one in folders if one.name == _OBJECT and one.is_dir()]
    files = [file for one in repository or [folder] for file in one.glob("*.xml")]
    if not files:
        detail = f"There is no .xml file in this folder, and no folder {_OBJECT} below it."
        raise InvalidConfiguration(detail, file=str(folder))
    return sorted(files)


def read_group(file: Path) -> KenticoGroup:
    """The contact group in `file`.

    :raises Unreadable: if there is none in it
    """
    root = parse_xml(_bytes_of(file))
    if root.tag != _OBJECT:
        raise Unreadable(f"This is no contact group: its root is “{root.tag}”, not “{_OBJECT}”.")
    texts = {child.tag.removeprefix("ContactGroup"): child.text or "" for child in root}
    code_name = texts.get("Name", "").strip()
    if not code_name:
        raise Unreadable("It has no ContactGroupName.")
    return KenticoGroup(
        file=file,
        code_name=code_name,
        name=texts.get("DisplayName", "").strip() or code_name,
        description=texts.get("Description", "").strip(),
        guid=texts.get("GUID", "").strip().lower(),
        enabled=_is_true(texts.get("Enabled", "True")),
        is_recipient_list=_is_true(texts.get("IsRecipientList", "")),
        condition=texts.get("DynamicCondition", "").strip(),
    )


def parse_xml(text: bytes | str) -> Element:
    """The root of this XML.

    :raises Unreadable: if it is none, or has a document type, which could stand for anything
    """
    try:
        return fromstring(text, forbid_dtd=True)
    except DefusedXmlException:
        raise Unreadable("It has a document type, which is refused.") from None
    except (ParseError, ValueError, LookupError) as error:
        raise Unreadable(f"It is not XML: {error}.") from None


def _bytes_of(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            content = opened.read(_LARGEST_BYTES + 1)
    except OSError as error:
        raise Unreadable(f"{error.strerror or error}.") from None
    if len(content) > _LARGEST_BYTES:
        raise Unreadable(f"It has more than {_LARGEST_BYTES:,} bytes.")
    return content


def _is_true(text: str) -> bool:
    return text.strip().lower() in ("true", "1")


def read_groups(folder: Path) -> Iterator[tuple[Path, KenticoGroup | Unreadable]]:
    """Each file with the group in it, or why there is none.

    :raises InvalidConfiguration: as `group_files`
    """
    for file in group_files(folder):
        try:
            yield file, read_group(file)
        except Unreadable as error:
            yield file, error
