"""Every page of the admin: it answers, costs the same for any number of rows, and escapes."""

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from activities.models import Activity, RejectedActivity
from adminsite.formatting import change_url, changelist_url
from consents.models import ConsentAgreement, ConsentText
from contacts.models import Contact, ContactMerge
from tests.admin.history import NASTY, SHOWN_MODELS, make_history

pytestmark = pytest.mark.django_db

LIST_QUERIES = {
    "activity": 9,
    "activitytype": 8,
    "apikey": 6,
    "channel": 6,
    "consent": 7,
    "consentagreement": 7,
    "consentcategory": 8,
    "consenttext": 6,
    "contact": 6,
    "contactmerge": 8,
    "group": 6,
    "rejectedactivity": 9,
    "trackedsite": 7,
    "user": 7,
    "userproperty": 6,
}
PAGE_QUERIES = {
    "activity": 4,
    "activitytype": 5,
    "apikey": 4,
    "channel": 6,
    "consent": 6,
    "consentagreement": 4,
    "consentcategory": 6,
    "consenttext": 4,
    "contact": 11,
    "contactmerge": 12,
    "group": 13,
    "rejectedactivity": 5,
    "trackedsite": 9,
    "user": 8,
    "userproperty": 4,
}
READ_ONLY = (Activity, ConsentAgreement, ConsentText, ContactMerge, RejectedActivity)


def _name(model):
    return model._meta.model_name


def test_every_registered_model_is_covered_here():
    assert set(admin.site._registry) == set(SHOWN_MODELS)


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("model", SHOWN_MODELS, ids=_name)
def test_a_list_takes_a_constant_number_of_queries(
    admin_client, model, rows, django_assert_num_queries
):
    for _ in range(rows):
        make_history()
    url = changelist_url(model)
    admin_client.get(url)

    with django_assert_num_queries(LIST_QUERIES[_name(model)]):
        response = admin_client.get(url)

    assert response.status_code == 200
    assert "object (" not in response.text


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("model", SHOWN_MODELS, ids=_name)
def test_a_page_takes_a_constant_number_of_queries(
    admin_client, model, rows, django_assert_num_queries
):
    for _ in range(rows):
        make_history()
    url = change_url(model.objects.order_by("pk").last())
    admin_client.get(url)

    with django_assert_num_queries(PAGE_QUERIES[_name(model)]):
        response = admin_client.get(url)

    assert response.status_code == 200
    assert "object (" not in response.text


@pytest.mark.parametrize("model", SHOWN_MODELS, ids=_name)
def test_what_was_sent_is_escaped_everywhere(admin_client, model):
    make_history(NASTY)

    pages = [changelist_url(model), *(change_url(row) for row in model.objects.all())]

    for page in pages:
        html = admin_client.get(page).text
        assert "<script>alert" not in html
        assert "<img src=x" not in html


def test_the_page_of_a_contact_escapes_all_of_its_sections(admin_client):
    contact = make_history(NASTY)

    html = admin_client.get(change_url(contact)).text

    assert html.count("&lt;script&gt;alert(&#x27;x&#x27;)") >= 8


@pytest.mark.parametrize("model", READ_ONLY, ids=_name)
def test_history_can_neither_be_added_nor_changed_nor_deleted(admin_client, model):
    make_history()
    row = model.objects.last()
    meta = model._meta
    name = f"admin:{meta.app_label}_{meta.model_name}"

    answers = [
        admin_client.get(reverse(f"{name}_add")),
        admin_client.post(reverse(f"{name}_add"), {}),
        admin_client.post(change_url(row), {"title": "Changed"}),
        admin_client.get(reverse(f"{name}_delete", args=[row.pk])),
        admin_client.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}),
    ]

    assert [answer.status_code for answer in answers] == [403] * 5
    assert model.objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", SHOWN_MODELS, ids=_name)
def test_nothing_can_be_deleted_in_bulk(admin_client, model):
    make_history()
    rows = list(model.objects.values_list("pk", flat=True))

    admin_client.post(
        changelist_url(model), {"action": "delete_selected", "_selected_action": rows}
    )

    assert model.objects.count() == len(rows)


@pytest.mark.parametrize("model", SHOWN_MODELS, ids=_name)
def test_an_empty_list_says_what_to_do_next(admin_client, model):
    found = admin_client.get(changelist_url(model), {"q": "nothing-has-this-name"})

    assert found.status_code == 200
    assert "Nothing matches" in found.text


def test_a_search_without_words_finds_everything(admin_client):
    make_history()

    for model in (Activity, ConsentAgreement, ContactMerge, RejectedActivity):
        html = admin_client.get(changelist_url(model), {"q": "  "}).text
        assert f"1 {model._meta.verbose_name}" in html


def test_user_without_permissions_sees_no_data(client):
    make_history("Secret name")
    client.force_login(User.objects.create(username="new", is_staff=True))

    dashboard = client.get(reverse("admin:index"))

    assert dashboard.status_code == 200
    assert "Secret name" not in dashboard.text
    assert client.get(changelist_url(Contact)).status_code == 403


def test_the_sidebar_shows_what_its_user_may_see(client):
    user = User.objects.create(username="reader", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_contact"))
    client.force_login(user)

    html = client.get(reverse("admin:index")).text

    shown = re.findall(r'href="(/admin/[a-z]+/[a-z]+/)"', html)
    assert set(shown) == {changelist_url(Contact)}


def test_logging_in_leads_to_the_dashboard(client, django_user_model):
    django_user_model.objects.create_superuser("mia", password="secret")

    response = client.post(reverse("admin:login"), {"username": "mia", "password": "secret"})

    assert response.headers["Location"] == reverse("admin:index")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "query",
    [
        "contacts/contactmerge/?status__exact=%00",
        "channels/channel/?kind__exact=%00",
        "auth/user/?username__exact=%00",
    ],
)
def test_a_filter_that_the_database_cannot_be_asked_for_is_left_out(admin_client, query):
    response = admin_client.get(f"/admin/{query}", follow=True)

    assert response.status_code == 200
    assert response.redirect_chain[0][0].endswith("?e=1")
