"""Every file that is installed is known by its hash."""

import re

import pytest

from tests.config.hub import ROOT

# A name with its version, and the lines of hashes that follow.
PIN = re.compile(r"^(?P<name>[\w.-]+)==\S+(?P<hashes>(?: \\\n +--hash=sha256:[0-9a-f]{64})*)", re.M)


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_has_hashes(name):
    text = (ROOT / name).read_text()
    pins = {found["name"]: found["hashes"] for found in PIN.finditer(text)}

    assert len(pins) == len(re.findall(r"^[\w.-]+", text, re.M)) > 50
    assert [pin for pin, hashes in pins.items() if not hashes] == []


def test_make_installs_nothing_without_a_hash():
    text = (ROOT / "Makefile").read_text()
    script = (ROOT / "scripts" / "pip_install.sh").read_text()

    assert text.count("pip_install.sh $(BIN)/python requirements") == 2
    assert script.count("pip install") == script.count("pip install --require-hashes -r") == 1
    assert text.count("install -r") == 0
    assert text.count("uv pip compile") == text.count("--generate-hashes") == 2
