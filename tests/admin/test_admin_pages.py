"""Every page of the admin: it answers, costs the same for any number of rows, and escapes."""

import re
import unicodedata

import pytest
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.urls import reverse

from activities.models import Activity, ActivityType, RejectedActivity, Replay
from adminsite.formatting import change_url, changelist_url
from adminsite.models import AuditEntry
from automations.models import Email, OutboxMessage, Run, Template
from channels.models import Channel
from consents.models import Consent, ConsentAgreement, ConsentText
from contacts.models import Contact, ContactMerge
from crosssite.models import TrackedSite
from destinations.models import Delivery, Destination
from exchange.models import Export
from jobs.models import BulkAction, Chore
from privacy.models import (
    AccessFile,
    Certificate,
    DictionaryEntry,
    KeptAgreement,
    RetentionRun,
)
from readers.models import ReaderState
from tests.admin.history import NASTY, SHOWN_MODELS, make_history
from tracking.models import UserProperty

pytestmark = pytest.mark.django_db

# What the sidebar asks on every page: whether a rotated key ends while it is used, and how many
# requests of persons are due.
KEYS_THAT_END = REQUESTS_DUE = 1
IN_SIDEBAR = KEYS_THAT_END + REQUESTS_DUE
LIST_QUERIES = {
    "accessfile": 6,
    "activity": 14,
    "activitytype": 10,
    "apikey": 7,
    "auditentry": 7,
    "automation": 6,
    "broadcast": 6,
    "bulkaction": 6,
    "certificate": 7,
    "channel": 6,
    "chore": 46,
    "consent": 7,
    "consentagreement": 8,
    "consentcategory": 8,
    "consenttext": 6,
    "contact": 17,
    "contactgroup": 33,
    "contactmerge": 9,
    "correction": 7,
    "delivery": 7,
    "destination": 6,
    "dictionaryentry": 14,
    "email": 8,
    "export": 6,
    "group": 6,
    "import": 6,
    "keptagreement": 7,
    "mappedname": 8,
    "outboxmessage": 6,
    "personrequest": 12,
    "readerstate": 18,
    "rejectedactivity": 9,
    "replay": 7,
    "retentionrule": 9,
    "retentionrun": 6,
    "run": 8,
    "suppression": 6,
    "tag": 6,
    "template": 7,
    "trackedsite": 7,
    "user": 8,
    "userproperty": 6,
    "usersession": 6,
}
PAGE_QUERIES = {
    "accessfile": 4,
    "activity": 9,
    "activitytype": 6,
    "apikey": 4,
    "auditentry": 5,
    "automation": 28,
    "broadcast": 7,
    "bulkaction": 4,
    "certificate": 4,
    "channel": 7,
    "chore": 4,
    "consent": 8,
    "consentagreement": 4,
    "consentcategory": 6,
    "consenttext": 6,
    "contact": 39,
    "contactgroup": 45,
    "contactmerge": 22,
    "correction": 6,
    "delivery": 4,
    "destination": 22,
    "dictionaryentry": 11,
    "email": 7,
    "export": 4,
    "group": 13,
    "import": 4,
    "keptagreement": 4,
    "mappedname": 6,
    "outboxmessage": 4,
    "personrequest": 8,
    "readerstate": 16,
    "rejectedactivity": 5,
    "replay": 7,
    "retentionrule": 8,
    "retentionrun": 5,
    "run": 10,
    "suppression": 4,
    "tag": 4,
    "template": 13,
    "trackedsite": 10,
    "user": 9,
    "userproperty": 4,
    "usersession": 5,
}
READ_ONLY = (
    AccessFile,
    Activity,
    AuditEntry,
    BulkAction,
    Certificate,
    Chore,
    ConsentAgreement,
    ConsentText,
    ContactMerge,
    Delivery,
    DictionaryEntry,
    Email,
    Export,
    KeptAgreement,
    OutboxMessage,
    ReaderState,
    RejectedActivity,
    Replay,
    RetentionRun,
    Run,
    UserSession,
)


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

    views = admin.site.get_model_admin(model).keeps_views  # one question for the saved ones
    with django_assert_num_queries(LIST_QUERIES[_name(model)] + views + IN_SIDEBAR):
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

    with django_assert_num_queries(PAGE_QUERIES[_name(model)] + IN_SIDEBAR):
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

    # What was done is in the audit log, where a row more is right.
    assert model.objects.filter(pk__in=rows).count() == len(rows)


@pytest.mark.parametrize("model", SHOWN_MODELS, ids=_name)
def test_an_empty_list_says_what_to_do_next(admin_client, model):
    found = admin_client.get(changelist_url(model), {"q": "nothing-has-this-name"})

    assert found.status_code == 200
    assert "Nothing matches" in found.text


@pytest.mark.parametrize(
    ("model", "column"),
    [
        (ActivityType, "name"),
        (Channel, "name"),
        (Consent, "name"),
        (Destination, "name"),
        (Group, "name"),
        (Template, "name"),
        (TrackedSite, "name"),
        (User, "first_name"),
        (UserProperty, "name"),
    ],
)
def test_a_list_is_searched_in_any_letter_case_and_unicode_form(admin_client, model, column):
    make_history()
    row = model.objects.earliest("pk")
    model.objects.filter(pk=row.pk).update(**{column: "Éağra İSTEĞİ Σοφος"})

    for term in ("İsteği", "ÉAĞ", "ΣΟΦΟΣ isteği", unicodedata.normalize("NFD", "éağra")):
        found = admin_client.get(changelist_url(model), {"q": term}).context["cl"].result_list
        assert list(found) == [row], term


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
    # The menu of the user has the sessions.
    assert set(shown) == {changelist_url(Contact), changelist_url(UserSession)}


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
