"""The documentation of configuration files says what they can have."""

import re

import pytest
from django.conf import settings

from automations.steps import step_types
from automations.triggers import trigger_types
from exchange.files import read_items
from exchange.kinds import all_kinds
from exchange.loading import load
from groups.conditions import condition_types

PAGE = (settings.BASE_DIR / "docs" / "configuration.md").read_text()


def section(name):
    return PAGE.partition(f"### {name}\n")[2].partition("\n## ")[0].partition("\n### ")[0]


@pytest.mark.parametrize("kind", all_kinds().values(), ids=lambda kind: kind.name)
def test_each_member_of_each_kind_is_documented(kind):
    cells = re.findall(r"^\| (`[a-z_`, ]+`) \|", section(kind.name), re.MULTILINE)
    documented = {name for cell in cells for name in re.findall(r"[a-z_]+", cell)}

    assert kind.members.keys() - documented == set()


def test_each_type_of_conditions_is_documented():
    table = section("contact_group").partition("| `type` | members |")[2]
    cells = re.findall(r"^\| (`[a-z_`, ]+`) \|", table, re.MULTILINE)

    assert {name for cell in cells for name in re.findall(r"[a-z_]+", cell)} == {*condition_types()}


@pytest.mark.parametrize(
    ("title", "types"), [("a trigger", trigger_types()), ("a step", step_types())]
)
def test_each_type_of_triggers_and_steps_is_documented(title, types):
    table = section("automation").partition(f"| `type` of {title} | members |")[2]
    cells = re.findall(r"^\| `([a-z_]+)` \|", table.partition("\n\n")[0], re.MULTILINE)

    assert {*cells} == {*types}


@pytest.mark.django_db
def test_the_examples_load(tmp_path):
    examples = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "newsletter.json").write_text(
        '{"kind": "contact_group", "code_name": "newsletter", "name": "N", "static": true}'
    )
    names = set()
    for number, example in enumerate(examples):
        file = tmp_path / f"{number}.yaml"
        file.write_text(example)
        for item in read_items([file]):
            names.add(f"{item.value['kind']}/{item.value['code_name']}")
    # The first is there again with more members.
    (tmp_path / "0.yaml").unlink()

    assert len(examples) == 9
    assert {*load([tmp_path]).created} == names | {"contact_group/newsletter"}
