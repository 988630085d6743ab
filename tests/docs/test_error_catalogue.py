"""The error catalogues of the documentation have every code of the code, and no other."""

import ast
import re

import pytest
from django.conf import settings

# Where in a call the code is: Problem(400, "code", …) and InvalidActivity("code", …).
POSITIONS = {"Problem": 1, "InvalidActivity": 0, "InvalidField": 0}
# The page of each door that has a catalogue of its own, and where its code is.
PAGES = {
    "activecampaign.md": "tracking/activecampaign",
    "read-api.md": "tracking/reading",
    "commanders-act.md": "tracking/commandersact",
}
# Raised by Django REST framework, whose name for it we pass on.
FROM_THE_FRAMEWORK = {"method_not_allowed"}


def codes_raised_by(source):
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        position = POSITIONS.get(node.func.id)
        if position is not None and len(node.args) > position:
            code = node.args[position]
            if isinstance(code, ast.Constant):
                yield code.value


def files_of(*folders):
    """The files in these folders, without those of doors that have a page of their own."""
    for folder in folders:
        for file in (settings.BASE_DIR / folder).rglob("*.py"):
            others = set(PAGES.values()) - set(folders)
            if not any(file.is_relative_to(settings.BASE_DIR / other) for other in others):
                yield file


def codes_in(*folders):
    return {code for file in files_of(*folders) for code in codes_raised_by(file.read_text())}


@pytest.fixture(scope="module")
def catalogue():
    """Codes by section of the catalogue, with their status where the section has one."""
    text = (settings.BASE_DIR / "docs" / "tracking-api.md").read_text()
    _, _, text = text.partition("## Error catalogue")
    requests, activities = text.split("### ")[1:3]
    row = re.compile(r"^\| `([a-z_]+)` \|(?: (\d{3}) \|)?", re.MULTILINE)
    return {"requests": dict(row.findall(requests)), "activities": dict(row.findall(activities))}


def test_catalogue_has_every_code_and_no_other(catalogue):
    documented = catalogue["requests"].keys() | catalogue["activities"].keys()

    assert documented == codes_in("activities", "contacts", "tracking", "web") | FROM_THE_FRAMEWORK


def test_catalogue_has_the_codes_of_activities_where_they_belong(catalogue):
    from_the_doors = {"malformed_json", "failed"}

    assert catalogue["activities"].keys() == codes_in("activities", "contacts") | from_the_doors


def test_catalogue_has_the_statuses_of_requests(catalogue):
    statuses = {
        node.args[1].value: str(node.args[0].value)
        for file in files_of("tracking", "web")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Problem"
        and all(isinstance(argument, ast.Constant) for argument in node.args[:2])
    }

    assert catalogue["requests"] == {**statuses, "method_not_allowed": "405"}


@pytest.mark.parametrize(("page", "folder"), PAGES.items())
def test_doors_have_a_catalogue_of_their_own_codes(page, folder):
    text = (settings.BASE_DIR / "docs" / page).read_text()
    _, _, text = text.partition("## Error catalogue")
    documented = set(re.findall(r"^\| `([a-z_]+)` \|", text, re.MULTILINE))

    assert documented == codes_in(folder)
