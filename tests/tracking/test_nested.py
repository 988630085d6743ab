"""Names in brackets become lists and objects, and a form costs only so much."""

import pytest

from tracking.nested import read_nested


@pytest.mark.parametrize(
    ("form", "fields"),
    [
        ("visit[email]=ada%40example.com", {"visit": {"email": "ada@example.com"}}),
        ("visit%5Bemail%5D=a+b", {"visit": {"email": "a b"}}),
        ("items[0][product][colors][]=red", {"items": [{"product": {"colors": ["red"]}}]}),
        ("user[categories][]=1&user[categories][]=3", {"user": {"categories": ["1", "3"]}}),
        ("a=1&a=2", {"a": "2"}),
        ("&eventdatahttps://x.y/&event=a", {"eventdatahttps://x.y/": "", "event": "a"}),
        ("a=%ff", {"a": "\N{REPLACEMENT CHARACTER}"}),
        ("", {}),
        ("=x", {}),
        ([("a[b]", "ä&"), ("c", "\ud800")], {"a": {"b": "ä&"}, "c": "?"}),
    ],
)
def test_form_is_read(form, fields):
    assert read_nested(form) == fields


def test_depth_and_number_of_fields_are_bounded():
    deep = read_nested("a" + "[b]" * 100_000 + "=1")
    assert len(read_nested("&".join(f"a{number}=1" for number in range(5_000)))) == 1_000

    levels = 0
    while isinstance(deep, dict):
        levels, deep = levels + 1, next(iter(deep.values()))
    assert levels < 30
