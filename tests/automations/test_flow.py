"""Which step of a version comes after which."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automations.flow import Flow
from automations.steps import all_steps, read_steps
from tests.automations.running import EVERYBODY


def flow(*steps):
    return Flow(1, 1, 1, read_steps(list(steps)))


def stop(key):
    return {"key": key, "type": "stop"}


def ask(key, then=(), otherwise=()):
    return {
        "key": key,
        "type": "if",
        "rule": EVERYBODY,
        "then": list(then),
        "else": list(otherwise),
    }


def test_without_steps_the_end_comes_first():
    assert flow().first == ""


def test_the_last_step_of_a_branch_leads_to_what_follows_all_branches():
    tree = flow(ask("ask", [stop("yes")], [stop("no"), stop("no, really")]), stop("last"))
    assert tree.branch("ask", 0) == "yes"
    assert tree.branch("ask", 1) == "no"
    assert tree.after("no") == "no, really"
    assert tree.after("yes") == "last"
    assert tree.after("no, really") == "last"
    assert tree.after("last") == ""


def test_an_empty_branch_leads_to_what_follows():
    tree = flow(ask("outer", [ask("inner", [stop("deep")])]), stop("last"))
    assert tree.branch("inner", 1) == "last"
    assert tree.branch("outer", 1) == "last"
    assert tree.after("deep") == "last"


def test_a_step_that_is_gone_is_none():
    assert flow(stop("here")).step("gone") is None


def test_a_flow_tells_which_groups_its_steps_change_in_whatever_branch():
    tree = flow(ask("ask", [{"type": "group", "add": "VIP"}], [{"type": "group", "remove": "new"}]))
    assert tree.groups == {"vip", "new"}
    assert tree.changes_contacts
    assert not flow(stop("here")).changes_contacts


keys = st.integers(0, 10**9).map("step-{}".format)
trees = st.recursive(
    st.lists(st.builds(stop, keys), max_size=3),
    lambda inner: st.lists(st.builds(ask, keys, inner, inner) | st.builds(stop, keys), max_size=3),
    max_leaves=12,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(trees)
def test_whatever_way_is_taken_leads_down_the_tree_to_the_end(steps):
    tree = flow(*steps)
    for step in all_steps(tree.steps):
        ways = [tree.branch(step.key, number) for number in range(len(step.branches))]
        for key in [tree.after(step.key), *ways]:
            assert key == "" or tree.position(key) > tree.position(step.key)
