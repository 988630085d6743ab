"""Applications, users and workers do everything at once, and what the hub promises still holds."""

import os

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.invariants import journal
from tests.invariants.hub import CITIES, EMAILS, PEOPLE, World
from tests.invariants.rules import check_all

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(180 if "INVARIANTS_EXAMPLES" not in os.environ else 0),
]

# Hundreds are run by hand before anything about contacts changes: INVARIANTS_EXAMPLES=300
EXAMPLES = int(os.environ.get("INVARIANTS_EXAMPLES", "6"))
WHO, EMAIL, CITY = st.integers(0, PEOPLE - 1), st.sampled_from(EMAILS), st.sampled_from(CITIES)
STEP = st.one_of(
    st.tuples(st.just("give"), WHO, EMAIL, CITY),
    st.tuples(st.just("give"), WHO, EMAIL, CITY),
    st.tuples(st.just("merge"), WHO, WHO),
    st.tuples(st.just("decide"), WHO),
    st.tuples(st.just("undo"), WHO),
    st.tuples(st.just("undo"), WHO),
    st.tuples(st.just("edit"), WHO, EMAIL, CITY),
    st.tuples(st.just("save_page"), WHO, CITY),
    st.tuples(st.just("answer"), WHO, st.integers(0, 1), st.booleans()),
    st.tuples(st.just("erase"), WHO),
    st.tuples(st.just("put_on_list"), WHO),
    st.tuples(st.just("change_rule"), WHO, CITY),
    st.tuples(st.just("sync"), WHO, EMAIL, CITY),
    st.tuples(st.just("tell_event"), WHO, EMAIL, CITY),
)
ROUNDS = st.lists(st.lists(STEP, min_size=6, max_size=9), min_size=2, max_size=3)


@pytest.fixture
def kept_journal():
    with journal.kept():
        yield


# What threads do cannot be repeated, so there is nothing that a failing example could shrink to.
@settings(
    max_examples=EXAMPLES,
    # The same ones in CI; by hand, others each time.
    derandomize="INVARIANTS_EXAMPLES" not in os.environ,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(rounds=ROUNDS)
def test_what_the_hub_promises_holds_after_everything_at_once(kept_journal, rounds):
    world = World()
    for steps in rounds:
        world.play(steps)
        world.work_to_the_end()
        assert world.deadlocks() == []
        check_all(channel=world.channel, recorded=len(world.recorded))
