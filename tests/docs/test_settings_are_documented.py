"""docs/operations.md has every environment variable of the settings, and no other."""

import re

from django.conf import settings


def test_operations_has_every_setting_and_no_other():
    source = (settings.BASE_DIR / "config" / "settings.py").read_text()
    text = (settings.BASE_DIR / "docs" / "operations.md").read_text()
    _, _, table = text.partition("## Settings")
    table, _, _ = table.partition("\n## ")

    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', source))

    assert set(re.findall(r"^\| `([A-Z_]+)`", table, re.MULTILINE)) == read
