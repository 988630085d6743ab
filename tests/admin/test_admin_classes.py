"""The classes of the admin's pages: each has a rule, Unfold's or ours, and ours are needed."""

import re
from itertools import chain
from pathlib import Path

import unfold
from django.conf import settings

from activities.quality import _WEATHER
from adminsite import formatting
from crosssite.doctor import State
from destinations.models import Delivery

ROOT = settings.BASE_DIR
UNFOLD = Path(unfold.__file__).parent / "static" / "unfold" / "css" / "styles.css"
ROOMS = [file.parent for file in ROOT.glob("*/apps.py")]
SHEETS = [sheet for room in ROOMS for sheet in room.glob("static/**/*.css")]
# What scripts look for, and what the style sheet of the icons has.
OTHERS = {"active", "add-row", "chart", "material-symbols-outlined"}
# The templates put these together.
OF_VALUES = {
    *(f"cs-{state}" for state in State.values),
    *(f"tk-{name}" for _, name in _WEATHER),
    *(f"de-{status}" for status in Delivery.Status.values),
    *(f"tl-series-{number}" for number in range(2)),
}


def classes_with_rules(*sheets):
    found = chain(*(re.findall(r"\.((?:\\.|[\w-])+)", sheet.read_text()) for sheet in sheets))
    return {name.replace("\\", "") for name in found}


def sources():
    """Our templates and code by file, without those of websites, the demo's among them."""
    for folder in [*ROOMS, ROOT / "templates"]:
        for file in sorted(folder.rglob("*.*")):
            if file.suffix in {".html", ".py", ".js"} and "demo" not in file.parts:
                yield str(file.relative_to(ROOT)), file.read_text()


def classes_in_use():
    for file, text in sources():
        for given in re.findall(
            r'(?<![:\w-])class(?:Name = |=)"((?:\{[{%].*?[%}]\}|[^"])*)"', text
        ):
            names = re.sub(r"\S*\{\{.*?\}\}\S*|\{%.*?%\}|\S*\{\w*\}\S*", " ", given)
            yield from ((file, name) for name in names.split())
    for kind in formatting._BADGES:
        html = formatting.badge("", kind)
        yield from (("a badge", name) for name in html.split('"')[1].split())


def test_each_class_has_a_rule():
    known = classes_with_rules(UNFOLD, *SHEETS) | OTHERS

    assert {(file, name) for file, name in classes_in_use() if name not in known} == set()


def test_each_class_of_ours_is_in_use():
    ours = {
        name
        for name in classes_with_rules(*SHEETS)
        if name.startswith(("tl-", "cs-", "tk-", "cg-", "ae-", "de-"))
    }
    text = "\n".join(text for _, text in sources())

    assert {name for name in ours - OF_VALUES if name not in text} == set()
