"""Exports in the admin: above each list, how far they are, their files, and who took what."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from activities.erasing import erase_contact
from activities.models import Activity
from adminsite.formatting import change_url, changelist_url
from adminsite.models import AuditEntry
from adminsite.roles import give_roles
from contacts.models import Contact
from exchange.admin import export_forms
from exchange.exporting.files import file_of
from exchange.exporting.forgetting import BEGUN_ANEW
from exchange.models import Export
from tests.exchange.exporting.exports import ask, finish, made, turn
from tests.factories import make_activity, make_consent, make_contact

pytestmark = pytest.mark.django_db

START = "/admin/exchange/export/start/contacts.contact/"


@pytest.fixture
def client_of():
    def client_of(user):
        client = Client()
        client.force_login(user)
        return client

    return client_of


@pytest.fixture
def client(marketer, client_of):
    return client_of(marketer)


def page(name, export):
    return reverse(f"admin:exchange_export_{name}", args=[export.pk])


def links(client, model, query=""):
    answer = client.get(changelist_url(model, query))
    found = {one["title"]: one["url"] for one in answer.context["list_links"]}
    return found.get("Export"), answer.text


def test_export_stands_above_a_list_with_its_filter(client):
    make_contact(country="AUT")

    assert links(client, Contact)[0] == START
    url, text = links(client, Contact, "country=AUT&o=1&p=1")
    assert url == f"{START}?country=AUT"
    assert f'href="{url}"' in text


def test_nothing_is_offered_above_a_list_without_rows(client):
    url, text = links(client, Contact)

    assert f'href="{url}"' not in text


def test_columns_about_consents_are_called_by_the_consent(client):
    make_consent("news", name="Newsletter")
    make_contact()

    text = client.get(START).text

    assert "Newsletter: answer" in text
    assert "Newsletter: text that was shown" in text
    assert 'value="consent:news"' in text


def test_who_may_not_export_is_offered_nothing(log_in):
    make_contact()
    client = log_in("view_contact")

    assert links(client, Contact)[0] is None
    assert client.get(START).status_code == 403


def test_a_file_is_asked_for_made_and_taken(client, marketer):
    make_contact(email="ann@example.com", country="AUT")
    make_contact(country="DEU")
    form = client.get(f"{START}?country=AUT")
    assert '<strong class="text-important">1 contact</strong>' in form.text
    assert "from Austria" in form.text

    asked = {"format": "csv", "headers": "names", "delimiter": ",", "columns": ["email"]}
    answer = client.post(f"{START}?country=AUT", asked, follow=True)

    export = Export.objects.get()
    assert answer.redirect_chain[-1][0] == change_url(export)
    assert "from Austria" in answer.text
    assert "hx-get" in answer.text
    assert "Cancel" in answer.text
    finish(export)
    progress = client.get(page("progress", export)).text
    assert "hx-get" not in progress
    assert "Download" in progress
    taken = client.post(page("download", export))
    assert b"".join(taken) == b"\xef\xbb\xbfemail\r\nann@example.com\r\n"
    day = timezone.localdate()
    assert taken["Content-Disposition"] == f'attachment; filename="contacts-{day}.csv"'
    assert "no-store" in taken["Cache-Control"]
    assert taken["Content-Length"] == str(export.size)


def test_each_download_is_counted_and_in_the_audit_log(client, marketer):
    export = made(marketer, "email")
    for _ in range(2):
        b"".join(client.post(page("download", export)))

    export.refresh_from_db()
    assert export.downloads == 2
    assert export.downloaded_at is not None
    entries = AuditEntry.objects.filter(detail="Took a file of 0 rows (contacts) as csv.")
    assert [one.actor for one in entries] == ["marketer", "marketer"]
    assert client.get(page("download", export)).status_code == 405


def test_the_form_proposes_columns_and_refuses_none(client):
    make_contact()
    form = client.get(START).context["form"]
    assert {"email", "guid", "last_seen", "groups"} <= set(form.fields["columns"].initial)

    answer = client.post(START, {"format": "csv", "headers": "names"})

    assert "Choose one column at least." in answer.text
    assert not Export.objects.exists()


def test_properties_have_boxes_of_their_own(client):
    make_activity(properties={"amount": 1})
    url = START.replace("contacts.contact", "activities.activity")
    asked = {"format": "ndjson", "headers": "words", "columns": ["guid"]}

    client.post(url, {**asked, "properties": ["property:amount"]})

    names = [one["name"] for one in Export.objects.get().columns]
    assert names == ["guid", "property:amount"]
    client.post(url, {**asked, "properties": ["property:other"]})
    assert Export.objects.count() == 1


def test_of_very_many_properties_the_same_are_offered_each_time(client):
    names = [f"p{number:03}" for number in range(150)]
    make_activity(properties=dict.fromkeys(names, 1))
    url = START.replace("contacts.contact", "activities.activity")

    choices = client.get(url).context["form"].fields["properties"].choices

    assert [label for _, label in choices] == names[:100]


def test_parquet_without_the_extra_says_how_to_get_it(client, monkeypatch):
    monkeypatch.setattr(export_forms, "can_write_parquet", lambda: False)
    asked = {"format": "parquet", "headers": "names", "columns": ["guid"]}

    assert "throughline[parquet]" in client.post(START, asked).text


def test_number_of_rows_is_said_as_well_as_it_is_known(client, monkeypatch):
    contacts = [make_contact(country="AUT") for _ in range(3)]
    make_activity(contacts[0], url="https://example.com/loans")

    def number(query=""):
        text = client.get(f"{START}?{query}").text
        return re.search(r'A file of <strong class="text-important">([^<]*)<', text)[1]

    assert number() == "3 contacts"
    assert number("url=loans") == "1 contacts"

    def too_long(*arguments):
        raise export_forms.TooLong

    monkeypatch.setattr(export_forms, "count_up_to", too_long)
    assert number("country=AUT").startswith("so many contacts that")
    assert re.fullmatch(r"about -?[\d,]+ contacts", number())


@pytest.mark.parametrize("label", ["contacts.nothing", "nothing", "jobs.chore", "contacts.touched"])
def test_what_is_no_list_is_not_found(client, label):
    assert client.get(START.replace("contacts.contact", label)).status_code == 404


@pytest.mark.parametrize(
    ("label", "query"),
    [("activities.rejectedactivity", ""), ("contacts.contact", "email__startswith=a")],
)
def test_what_is_not_theirs_is_refused(client, label, query):
    assert client.get(f"{START.replace('contacts.contact', label)}?{query}").status_code == 403


def test_exports_of_others_are_not_there(client, user_with):
    export = made(user_with("marketer", name="other"), "email")

    assert client.get(page("progress", export)).status_code == 404
    assert client.post(page("download", export)).status_code == 404
    assert client.post(page("cancel", export)).status_code == 404
    assert client.post(page("remove", export)).status_code == 404
    assert list(client.get(changelist_url(Export)).context["cl"].result_list) == []


@pytest.mark.parametrize("role", ["dpo", "operator"])
def test_who_answers_for_data_sees_who_took_what_and_takes_nothing(
    client_of, user_with, marketer, role
):
    export = made(marketer, "email", query="country=AUT")
    client = client_of(user_with(role))

    text = client.get(changelist_url(Export)).text
    assert "marketer" in text
    assert "a filter" in text
    shown = client.get(change_url(export))
    assert "Download</" not in shown.text
    assert client.post(page("download", export)).status_code == 403


def test_filters_of_lists_that_a_user_does_not_see_are_not_shown(client_of, user_with, marketer):
    made(user_with("operator", name="other"), model=Activity, query="")
    Export.objects.update(list_of="groups.contactgroup", filters="secret words")

    text = client_of(user_with("dpo")).get(changelist_url(Export)).text

    assert "secret words" not in text
    assert "Not shown: you do not see this list" in text


def test_a_user_who_sees_less_by_now_cannot_take_the_file(client, marketer, user_with):
    export = made(marketer, "email")
    give_roles(marketer, ["developer"])

    assert client.post(page("download", export)).status_code == 403
    assert "You may not see any more what is in the file." in client.get(change_url(export)).text


@pytest.mark.parametrize("is_there", [True, False])
def test_a_file_that_is_gone_is_said_in_words(client, marketer, is_there):
    export = made(marketer, "email")
    if is_there:
        Export.objects.update(expires_at=timezone.now())
    else:
        file_of(export).unlink()

    answer = client.post(page("download", export), follow=True)

    text = "There is no file any more" if is_there else "The file is not on this machine"
    assert text in answer.text
    export.refresh_from_db()
    assert export.downloads == 0


def test_an_export_is_cancelled_and_its_file_deleted_by_hand(
    client, marketer, django_capture_on_commit_callbacks
):
    waiting, ready = ask(marketer, "email"), made(marketer, "email", form="ndjson")
    Export.objects.filter(pk=waiting.pk).update(status="waiting", finished_at=None)

    assert "Cancelled. There is no file." in client.post(page("cancel", waiting), follow=True).text
    assert "It was over already." in client.post(page("cancel", ready), follow=True).text
    with django_capture_on_commit_callbacks(execute=True):
        text = client.post(page("remove", ready), follow=True).text
    assert "The file is deleted." in text
    assert "The user who asked for it deleted it." in text
    assert not file_of(ready).exists()
    assert "There is no file any more." in client.post(page("remove", ready), follow=True).text


def test_a_log_without_exports_says_how_to_make_one(client):
    assert "choose “Export” above it" in client.get(changelist_url(Export)).text


def test_an_error_is_said_on_the_page(client, marketer):
    export = ask(marketer, "email")
    Export.objects.update(attempts=2, last_error="PermissionError: no")
    assert (
        "It failed 2 times and is tried again: PermissionError: no"
        in client.get(change_url(export)).text
    )


def test_an_export_that_has_begun_anew_says_why_until_it_is_ready(client, marketer):
    contact = make_contact(first_name="Ann")
    export = ask(marketer, "first_name")
    turn(export)
    erase_contact(contact.pk)

    assert BEGUN_ANEW in client.get(change_url(export)).text
    finish(export)
    assert BEGUN_ANEW not in client.get(change_url(export)).text


def test_an_export_that_has_begun_anew_is_cancelled_without_that_reason(client, marketer):
    export = ask(marketer, "first_name")
    Export.objects.update(reason=BEGUN_ANEW)

    text = client.post(page("cancel", export), follow=True).text

    assert "Cancelled. There is no file." in text
    assert BEGUN_ANEW not in text


@pytest.mark.parametrize("gone", ["shop.order", "orders"])
def test_the_log_shows_exports_of_lists_that_are_gone(client, marketer, gone):
    export = made(marketer, "email", query="q=x")
    Export.objects.update(list_of=gone)

    answer = client.get(change_url(export))

    assert (answer.context["list_url"], answer.context["again_url"]) == ("", "")
    assert "You may not see any more what is in the file." in answer.text
    assert client.post(page("download", export)).status_code == 403
    assert gone in client.get(changelist_url(Export)).text.lower()


def test_the_log_shows_exports_of_models_that_have_no_list_any_more(client, marketer):
    export = made(marketer, "email")
    Export.objects.update(list_of="jobs.chore")

    assert client.get(change_url(export)).context["list_url"] == ""
