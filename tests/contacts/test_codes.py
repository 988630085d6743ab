"""Numbers that stand for something lose the `.0` that they got on their way."""

import pytest

from contacts.codes import as_code


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (4711, "4711"),
        (4711.0, "4711"),
        ("4711.0", "4711"),
        (" 4711.00 ", "4711"),
        (-7.0, "-7"),
        (0.0, "0"),
        (2**64, str(2**64)),
        ("04109", "04109"),
        ("4711.5", "4711.5"),
        (4711.5, "4711.5"),
        ("01.42.68.53.00", "01.42.68.53.00"),
        ("v1.0", "v1.0"),
        ("1.0.0", "1.0.0"),
        ("", ""),
    ],
)
def test_code_is_what_the_number_stands_for(given, code):
    assert as_code(given) == code


@pytest.mark.parametrize("given", [True, None, [], {}, 1e16, float("inf"), float("nan"), 2.0**53])
def test_what_is_no_code_is_empty(given):
    assert as_code(given) == ""
