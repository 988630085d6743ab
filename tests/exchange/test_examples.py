"""The ready automations of the documentation load into any hub, and again without a change."""

import pytest
from django.conf import settings

from automations.models import Automation
from exchange.dumping import dump
from exchange.loading import load

FOLDER = settings.BASE_DIR / "docs" / "examples" / "automations"
FILES = sorted(FOLDER.glob("*.yaml"))

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_example_loads_into_an_empty_hub_switched_off(file, tmp_path):
    created = load([file]).created

    (automation,) = Automation.objects.all()
    assert f"automation/{automation.code_name}" in created
    assert not automation.enabled
    assert load([file]).unchanged == created
    dump(tmp_path)
    assert (load([tmp_path]).created, load([tmp_path]).changed) == ([], [])


def test_all_examples_load_together():
    load([FOLDER])

    assert Automation.objects.count() == len(FILES)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_example_is_in_the_document(file):
    page = (settings.BASE_DIR / "docs" / "automations.md").read_text()

    assert f"(examples/automations/{file.name})" in page
