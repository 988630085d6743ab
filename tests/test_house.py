"""The house: every arrow of import points down the list of rooms, never up."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# From the top to the bottom. Rooms on one floor do not import each other.
FLOORS = [
    {"config"},
    {"tracking", "crosssite"},
    {"activities"},
    {"consents"},
    {"contacts"},
    {"channels"},
    {"web"},
    {"database"},
    {"adminsite"},
]
FLOOR_OF = {room: number for number, floor in enumerate(FLOORS) for room in floor}


def imports_of(source):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def upward_imports(room, source):
    return {
        other
        for other in imports_of(source)
        if other in FLOOR_OF and other != room and FLOOR_OF[other] <= FLOOR_OF[room]
    }


def files_of(room):
    files = (ROOT / room).rglob("*.py")
    return [file for file in files if "migrations" not in file.parts]


def test_house_has_every_app():
    apps = {file.parent.name for file in ROOT.glob("*/apps.py")}

    assert apps | {"web", "database"} == FLOOR_OF.keys()


@pytest.mark.parametrize("room", sorted(FLOOR_OF))
def test_rooms_import_downwards_only(room):
    upward = {
        str(file.relative_to(ROOT)): names
        for file in files_of(room)
        if (names := upward_imports(room, file.read_text()))
    }

    assert upward == {}


def test_upward_imports_finds_an_upward_import():
    source = "def f():\n    from activities.models import Activity\n"

    assert upward_imports("contacts", source) == {"activities"}
    assert upward_imports("tracking", source) == set()
