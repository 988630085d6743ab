"""Values at random, the same at each run."""

from contextlib import contextmanager
from datetime import datetime, timedelta, timezone

from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

LIKELY = st.sampled_from([True] * 7 + [False])


def examples(count):
    """This many examples, the same at each run; one that fails is shown as it is, not shrunk."""
    return settings(
        max_examples=count,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@contextmanager
def undone():
    """Whatever the block writes is gone after it, so that each example stands for itself."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def any_text(**limits):
    """Text of every character that there is, halves of characters and NUL included."""
    return st.text(st.characters(exclude_categories=[]), **limits)


JSON_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.text(max_size=300)
    | any_text(max_size=20)
)
JSON = st.recursive(
    JSON_LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(any_text(max_size=10), inner, max_size=4)
    ),
    max_leaves=12,
)
TYPES = st.sampled_from(["datainput", "DataInput", "pagevisit", "click", "custom", "off", "none"])
WIRE_FIELDS = st.sampled_from(
    ["ContactNotes", "ContactEmail", "ContactBirthday", "ContactCountry", "ContactState", "X"]
)
ZONES = st.timezones() | st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(timezone)
# Half of them at a time that can be true.
TIMES = st.datetimes(timezones=ZONES) | st.datetimes(
    datetime(1971, 1, 2), datetime(2026, 1, 1), timezones=ZONES
)


def mostly(likely, unlikely=JSON):
    """Seven times of eight something likely."""
    return LIKELY.flatmap(lambda is_likely: likely if is_likely else unlikely)
