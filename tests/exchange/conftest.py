"""Configuration as files of a folder of the test."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from exchange.loading import load


@pytest.fixture
def write(tmp_path):
    """Writes a file, objects as JSON or text as it is, and returns where it is."""

    def write(content, name="config.json"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            file.write_bytes(content)
        else:
            file.write_text(content if isinstance(content, str) else json.dumps(content))
        return file

    return write


@pytest.fixture
def loaded(write):
    """Loads objects; or text, which is YAML. Returns what became of them."""

    def loaded(content, **options):
        name = "config.yaml" if isinstance(content, str) else "config.json"
        return load([write(content, name)], **options)

    return loaded


def run(*arguments):
    """What a command prints on stdout."""
    output = StringIO()
    call_command(*map(str, arguments), stdout=output)
    return output.getvalue()
