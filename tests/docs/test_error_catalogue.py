"""The error catalogue of docs/tracking-api.md has every code of the code, and no other."""

import ast
import re

import pytest
from django.conf import settings

# Where in a call the code is: Problem(400, "code", …) and InvalidActivity("code", …).
POSITIONS = {"Problem": 1, "InvalidActivity": 0}
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


def codes_in(*apps):
    files = [file for app in apps for file in (settings.BASE_DIR / app).rglob("*.py")]
    return {code for file in files for code in codes_raised_by(file.read_text())}


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

    assert documented == codes_in("activities", "tracking") | FROM_THE_FRAMEWORK


def test_catalogue_has_the_codes_of_activities_where_they_belong(catalogue):
    from_the_doors = {"malformed_json"}

    assert catalogue["activities"].keys() == codes_in("activities") | from_the_doors


def test_catalogue_has_the_statuses_of_requests(catalogue):
    statuses = {
        node.args[1].value: str(node.args[0].value)
        for file in (settings.BASE_DIR / "tracking").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Problem"
        and all(isinstance(argument, ast.Constant) for argument in node.args[:2])
    }

    assert catalogue["requests"] == {**statuses, "method_not_allowed": "405"}
