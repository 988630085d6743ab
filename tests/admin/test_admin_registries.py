"""What apps add to the dashboard and to the sidebar: each is one declaration."""

import pytest
from django.contrib.auth.models import AnonymousUser

from adminsite import dashboard, navigation
from adminsite.dashboard import (
    Bar,
    BarList,
    CardContent,
    Change,
    Column,
    DashboardCard,
    Figure,
    TimeChart,
    build_cards,
    register_card,
)
from adminsite.navigation import (
    SidebarItem,
    build_sidebar,
    build_tabs,
    register_item,
    register_tabs,
)
from adminsite.periods import read_period
from contacts.models import Contact


def everybody(user):
    return True


def nobody(user):
    return False


@pytest.fixture
def page(rf, monkeypatch):
    """A request for a page of a hub whose apps have added nothing yet."""
    monkeypatch.setattr(dashboard, "_cards", [])
    monkeypatch.setattr(navigation, "_items", [])
    monkeypatch.setattr(navigation, "_tabs", {})
    request = rf.get("/admin/")
    request.user = AnonymousUser()
    return request


def add_card(position, name, *, may_see=everybody, **context):
    figure = Figure(name=name, icon="", value="1", note="", url="")
    content = CardContent(figures=[figure], context=context)
    register_card(DashboardCard(position, may_see, lambda request: content, template="card.html"))


def add_item(group, position, title, *, may_see=everybody, urgent=None):
    register_item(SidebarItem(group, position, title, "icon", "admin:index", may_see, urgent))


def titles(groups):
    return {group["title"]: [item["title"] for item in group["items"]] for group in groups}


def test_cards_come_in_the_order_of_their_positions(page):
    add_card(20, "Second", text="2")
    add_card(10, "First", text="1")

    built = build_cards(page)

    assert [figure.name for figure in built["work"]] == ["First", "Second"]
    assert [content.context for _, content in built["cards"]] == [{"text": "1"}, {"text": "2"}]


def test_a_card_with_figures_alone_has_no_place_of_its_own(page):
    add_card(10, "Figure")

    built = build_cards(page)

    assert [figure.name for figure in built["work"]] == ["Figure"]
    assert built["cards"] == []


def test_figures_of_the_period_stand_apart_from_those_of_the_moment(page):
    figure = Figure("People", "", "2", "", "", change=Change("+1", "More than the 1 of yesterday"))
    content = CardContent(figures=[figure], said="2 people")
    register_card(DashboardCard(10, everybody, lambda request: content))
    add_card(20, "Waiting")

    built = build_cards(page)

    assert [figure.name for figure in built["figures"]] == ["People"]
    assert [figure.name for figure in built["work"]] == ["Waiting"]
    assert built["sentence"].endswith(": 2 people.")


def test_bars_are_as_long_as_their_share_of_the_longest():
    bars = [Bar("A", 4, ""), Bar("B", 1, ""), Bar("C", 0, "")]

    assert [length for _, length in BarList("Top", bars, "").lines] == [100, 25, 0]
    assert BarList("None", [Bar("C", 0, "")], "").lines[0][1] == 0


def test_parts_of_a_column_stand_on_each_other():
    hours = read_period("2026-05-01").buckets[:2]
    columns = [Column(hours[0], (3, 1), ""), Column(hours[1], (0, 2), "")]

    drawn = TimeChart("People", ("Came back", "New"), columns).drawn

    assert [(x, [(part.y, part.height) for part in parts]) for x, _, parts in drawn] == [
        (0, [(25.0, 75.0), (0.0, 25.0)]),
        (10, [(100.0, 0.0), (50.0, 50.0)]),
    ]


def test_a_card_is_not_built_for_users_who_may_not_see_it(page):
    def fail(request):
        raise AssertionError

    register_card(DashboardCard(10, nobody, fail))

    built = build_cards(page)

    assert (built["figures"], built["work"], built["cards"]) == ([], [], [])
    assert built["may_see_nothing"]


def test_the_sidebar_has_the_groups_in_their_order_and_others_at_the_end(page):
    add_item("New", 10, "A page of a new app")
    add_item("People", 20, "Merges")
    add_item("People", 10, "Contacts")
    add_item("Settings", 10, "Channels")

    groups = build_sidebar(page, ["People", "Empty", "Settings"])

    assert titles(groups) == {
        "People": ["Contacts", "Merges"],
        "Empty": [],
        "Settings": ["Channels"],
        "New": ["A page of a new app"],
    }
    assert [group["title"] for group in groups] == ["People", "Empty", "Settings", "New"]


def test_the_sidebar_has_no_item_that_its_user_may_not_see(page):
    add_item("People", 10, "Contacts", may_see=nobody, urgent=lambda: 1 / 0)

    assert titles(build_sidebar(page, [])) == {"People": []}


@pytest.mark.parametrize(("waiting", "badge"), [(3, "3"), (0, None)])
def test_an_item_says_what_waits_for_its_user(page, waiting, badge):
    add_item("People", 10, "Merges", urgent=lambda: waiting)

    ((item,),) = [group["items"] for group in build_sidebar(page, [])]

    assert item.get("badge") == badge


def test_tabs_lead_to_the_list_with_a_query(page):
    register_tabs(Contact, [("All", ""), ("From Iceland", "country=ISL")])

    assert build_tabs() == [
        {
            "models": ["contacts.contact"],
            "items": [
                {"title": "All", "link": "/admin/contacts/contact/"},
                {"title": "From Iceland", "link": "/admin/contacts/contact/?country=ISL"},
            ],
        }
    ]
