"""Saved views of lists: a user's own, and those that others share."""

import pytest
from django.contrib.auth.models import Permission, User
from django.db import IntegrityError

from activities.models import Activity
from adminsite.formatting import changelist_url
from adminsite.models import SavedView
from contacts.models import Contact
from tests.factories import make_contact

pytestmark = pytest.mark.django_db

URL = changelist_url(Contact)
VIEWS = f"{URL}views/"


@pytest.fixture
def colleague():
    return User.objects.create(username="colleague", is_staff=True)


def save(client, query="country=AUT", name="Austrians", **given):
    return client.post(f"{VIEWS}save/", {"name": name, "query": query, **given}, follow=True)


def make_view(owner, **fields):
    given = {"name": "Austrians", "list": "contacts.contact", "query": "country=AUT", **fields}
    return SavedView.objects.create(owner=owner, **given)


def tabs(client, url=URL):
    return [tab.view.name for tab in client.get(url).context["cl"].views]


def test_a_user_saves_the_filters_of_a_list_under_a_name(admin_client, admin_user):
    make_contact(first_name="Ada", country="AUT")
    make_contact(first_name="Ben")

    page = save(admin_client, "p=3&country=AUT&e=1&known=&o=-5", "  My   Austrians ")

    view = SavedView.objects.get()
    assert (view.owner, view.name, view.shared) == (admin_user, "My Austrians", False)
    assert view.query == "country=AUT&o=-5"
    assert page.redirect_chain[-1][0] == f"{URL}?country=AUT&o=-5"
    (tab,) = page.context["cl"].views
    assert tab.is_open
    assert "Saved as “My Austrians”." in page.text
    found = admin_client.get(tab.url).context["cl"].result_list
    assert [one.first_name for one in found] == ["Ada"]


def test_only_shared_views_of_others_are_tabs_and_own_ones_come_first(
    admin_client, admin_user, colleague
):
    make_view(colleague, name="A shared one", shared=True)
    make_view(colleague, name="Not shared")
    make_view(admin_user, name="Mine")
    make_view(admin_user, name="Of another list", list="activities.activity")

    assert tabs(admin_client) == ["Mine", "A shared one"]


def test_saving_under_a_known_name_replaces_the_filters(admin_client, admin_user):
    make_view(admin_user)

    save(admin_client, "country=DEU", "austrians", shared="on")

    view = SavedView.objects.get()
    assert (view.query, view.shared) == ("country=DEU", True)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "   "}, "This field is required."),
        ({"name": "x" * 61}, "at most 60 characters"),
        ({"name": "a\0b"}, "Null characters are not allowed."),
        ({"query": ""}, "Filter or sort the list first"),
        ({"query": "p=2"}, "Filter or sort the list first"),
        ({"query": "q=" + "x" * 4_000}, "too long"),
        ({"query": "password__startswith=a"}, "cannot be filtered like that"),
        ({"query": "country=AUT%00"}, "cannot be filtered like that"),
    ],
)
def test_what_is_no_view_is_refused(admin_client, given, said):
    page = save(admin_client, **given)

    assert said in page.text
    assert not SavedView.objects.exists()


def test_views_are_renamed_shared_and_deleted_by_their_owner(admin_client, admin_user, colleague):
    view = make_view(admin_user)
    make_view(admin_user, name="Germans", query="country=DEU")
    other = make_view(colleague, shared=True)

    admin_client.post(f"{VIEWS}{view.pk}/change/", {"name": "Alps", "shared": "on"})
    view.refresh_from_db()
    assert (view.name, view.shared) == ("Alps", True)
    taken = admin_client.post(f"{VIEWS}{view.pk}/change/", {"name": "GERMANS"}, follow=True)
    assert "choose another" in taken.text
    page = admin_client.get(VIEWS)
    assert 'value="Alps"' in page.text
    assert f"{VIEWS}{other.pk}/delete/" not in page.text
    assert admin_client.post(f"{VIEWS}{other.pk}/delete/").status_code == 404
    assert admin_client.post(f"{VIEWS}{other.pk}/change/", {"name": "x"}).status_code == 404
    admin_client.post(f"{VIEWS}{view.pk}/delete/")
    assert set(SavedView.objects.values_list("name", flat=True)) == {"Germans", "Austrians"}


def test_a_view_is_changed_by_its_own_list_alone(admin_client, admin_user):
    view = make_view(admin_user)

    answer = admin_client.post(f"{changelist_url(Activity)}views/{view.pk}/delete/")

    assert answer.status_code == 404
    assert SavedView.objects.exists()


def test_who_loses_a_permission_loses_the_views_that_need_it(log_in, colleague):
    client = log_in("view_contact", "view_activity")
    make_view(colleague, name="Loans", query="url=loans", shared=True)
    make_view(colleague, name="Austrians", shared=True)
    assert tabs(client) == ["Austrians", "Loans"]
    user = User.objects.get(username="reader")

    user.user_permissions.set(Permission.objects.filter(codename="view_contact"))
    assert tabs(client) == ["Austrians"]
    user.user_permissions.clear()
    assert client.get(URL).status_code == 403
    assert client.get(VIEWS).status_code == 403
    assert save(client).status_code == 403


def test_views_are_saved_by_post_alone(admin_client):
    assert admin_client.get(f"{VIEWS}save/").status_code == 405
    assert admin_client.get(f"{VIEWS}1/delete/").status_code == 405


def test_names_are_escaped(admin_client, colleague):
    make_view(colleague, name="<script>alert(1)</script>", shared=True)

    assert "<script>alert" not in admin_client.get(URL).text
    assert "<script>alert" not in admin_client.get(VIEWS).text


@pytest.mark.parametrize("views", [1, 3])
def test_pages_of_views_cost_the_same_for_any_number(
    admin_client, admin_user, colleague, views, django_assert_num_queries
):
    for number in range(views):
        make_view(admin_user, name=f"{number}")
        make_view(colleague, name=f"{number}", shared=True)
    admin_client.get(VIEWS)

    with django_assert_num_queries(6):
        admin_client.get(VIEWS)


@pytest.mark.parametrize("fields", [{"name": ""}, {"query": ""}])
def test_the_database_refuses_views_without_a_name_or_filters(admin_user, fields):
    with pytest.raises(IntegrityError, match="a_saved_view_has_a_name_and_filters"):
        make_view(admin_user, **fields)


def test_the_database_refuses_a_name_twice(admin_user, colleague):
    make_view(admin_user)
    make_view(colleague)

    with pytest.raises(IntegrityError, match="one_saved_view_per_owner_list_and_name"):
        make_view(admin_user, name="AUSTRIANS")
