"""Whatever stands in a file is loaded, or refused in one line."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from exchange.files import Item, read_items
from exchange.kinds import all_kinds
from exchange.loading import load_items
from exchange.problems import InvalidConfiguration

# Some members of objects inside of members.
MEMBERS = [
    *("en", "short", "full", "name", "kind", "format", "match", "conditions", "type", "groups"),
    *("activities", "value", "operator", "days", "x"),
    *("to", "from", "flatten", "folder"),
]
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
        st.sampled_from(
            ["", " ", "en", "all", "any", "activity", "group", "*", "https://a.example"]
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(MEMBERS),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=8,
)
OPTIONS = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@st.composite
def objects(draw):
    """An object of some kind, of which any member is anything."""
    kind = draw(st.sampled_from(list(all_kinds().values())))
    names = draw(st.lists(st.sampled_from(list(kind.members)), max_size=4, unique=True))
    start = {
        "kind": kind.name,
        "code_name": draw(st.sampled_from(["a", "b", "click", "", 7, "é "])),
    }
    return start | {"name": "A"} | {name: draw(VALUES) for name in names}


def refusal_of(read, given):
    """What is said of what is refused; nothing of what is taken."""
    try:
        read(given)
    except InvalidConfiguration as error:
        return str(error)
    return ""


@pytest.mark.django_db
@settings(max_examples=40, **OPTIONS)
@given(given=st.lists(objects(), min_size=1, max_size=3))
def test_any_object_is_loaded_or_refused_in_one_line(given):
    items = [Item("a.yaml", number, value) for number, value in enumerate(given, start=1)]

    assert refusal_of(load_items, items).isprintable()


@settings(max_examples=40, **OPTIONS)
@given(
    content=st.one_of(
        st.binary(max_size=60),
        st.text(st.sampled_from(list("-:[]{}&*!|>'\"%@`#?,a1 \n\t\\"))).map(str.encode),
    )
)
@example(content=b"? [a]\n: b")
@example(content=b"!<tag:yaml.org,2002:int> x")
@example(content=b"%YAML 9.9\n---\na")
def test_any_file_is_read_or_refused_in_one_line(content, tmp_path_factory):
    folder = tmp_path_factory.mktemp("anything")
    for name in ("a.yaml", "a.json"):
        (folder / name).write_bytes(content)

        assert refusal_of(read_items, [folder / name]).isprintable()
