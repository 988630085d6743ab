"""A hub of before is brought up to date: nothing is lost, and what waited is done."""

import time
from collections import Counter
from types import SimpleNamespace
from uuid import UUID

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db.models import Sum

from activities.models import Activity, ActivityTypeUse, ContactSeen, DataInput, RecordedCount
from adminsite.formatting import change_url, changelist_url
from channels.models import Channel
from consents.models import ConsentAgreement, CurrentAnswer
from contacts.models import Contact, ContactIdentifier, ContactMerge
from contacts.resolving import find_contact
from figures.following import FIGURES
from readers.models import ReaderState
from readers.reading import begin
from tests import clearing
from tests.admin.history import SHOWN_MODELS
from tests.readers.clusters import another_database, dump, of_tests, restore
from tests.readers.waiting import catch_up, read_next
from tests.upgrades.old_hub import all_rows, files, lost, old_hub
from tests.wire.app import CLICK, App
from tests.work import do_data_inputs, do_merges

# Each test sees the same hub, in a transaction that is rolled back.
pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("upgraded hub")]

SCHEMA = ("--schema-only", "--exclude-table=tests_read*", f"--exclude-schema={clearing.KEPT}")


@pytest.fixture(scope="module")
def hub(django_db_setup, django_db_blocker):
    """The hub of before: its rows, and what migrations and then workers made of them."""
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        # However old the dump is, all of it is counted.
        patch.setattr(settings, "REJECTED_KEPT_DAYS", 36_500)
        new = of_tests()
        with old_hub() as parameters:
            before, old_files = all_rows(), files()
            call_command("migrate", verbosity=0)
            migrated, new_files = all_rows(), files()
            work()
            yield SimpleNamespace(
                before=before,
                migrated=migrated,
                worked=all_rows(),
                files=(old_files, new_files),
                databases=(parameters, new),
            )


def schema_of(parameters):
    """What a database is made of, as PostgreSQL writes it once it has read it."""
    with another_database(parameters, "copy") as copy:
        restore(dump(parameters, *SCHEMA), copy)
        lines = dump(copy, *SCHEMA).splitlines()
    # These have a word for psql that is another each time.
    return [line for line in lines if not line.startswith(("\\restrict", "\\unrestrict"))]


def work():
    """What the processes of the hub do after a start."""
    begin()
    for _ in range(3):
        do_data_inputs()
        do_merges()
    # Merges settle when the transactions of other tests on this server are over.
    deadline = time.monotonic() + 60
    while ContactMerge.objects.filter(status="done", is_settled=False).exists():
        assert time.monotonic() < deadline
        do_merges()
    catch_up()
    while read_next(FIGURES):
        pass


def live(guid):
    return find_contact(UUID(guid))


def live_ids(hub):
    """Who the contacts of before are by now, by their ids of then."""
    return {row["id"]: live(row["guid"]).pk for row in hub.before["contacts_contact"]}


def channels_by_code_name():
    return {channel.code_name: channel for channel in Channel.objects.all()}


def test_an_upgraded_hub_has_the_tables_of_a_new_one(hub):
    upgraded, new = map(schema_of, hub.databases)

    assert upgraded == new


def test_models_are_as_the_upgraded_database_has_them(hub, capsys):
    call_command("makemigrations", check=True, dry_run=True)

    assert capsys.readouterr().out == "No changes detected\n"


def test_no_table_is_written_anew(hub):
    old, new = hub.files

    # It was counted anew by a job every hour, and is now by a reader.
    assert {table for table in old if new.get(table) != old[table]} == {"activities_activitycount"}


def test_migrations_lose_nothing(hub):
    changed = {
        table: rows
        for table in hub.before
        if (rows := lost(hub.before[table], hub.migrated.get(table, [])))
    }

    assert {table: len(rows) for table, rows in changed.items()} == {
        "activities_eventcount": 3,
        "channels_channel": 3,
        "contacts_contactidentifier": 1,
        "contacts_contactmerge": 1,
    }
    # A reader counts them anew.
    assert {row["status"] for row in changed["activities_eventcount"]} == {"valid"}


def test_workers_lose_nothing(hub):
    may_change = {
        "activities_activity": ["contact_id"],
        "activities_datainput": [
            "contact_id",
            "sent_by_id",
            "outcome",
            "applied_at",
            "detail",
            "due_at",
        ],
        "consents_consentagreement": ["contact_id"],
        "contacts_contactidentifier": ["contact_id"],
        "crosssite_sitecontact": ["contact_id"],
    }
    by_workers = {"contacts_contact", "contacts_contactmerge"}

    for table in hub.before.keys() - by_workers - {"activities_activitycount"}:
        rows = lost(hub.migrated[table], hub.worked[table], apart_from=may_change.get(table, ()))
        assert rows == [], table
    for table in by_workers:
        assert lost(*(ids_in(rows[table]) for rows in (hub.migrated, hub.worked))) == []


def ids_in(rows):
    return [{"id": row["id"]} for row in rows]


def test_every_guid_leads_to_a_live_contact(hub):
    guids = [row["guid"] for row in hub.before["contacts_contact"]]

    assert len(guids) == 89
    assert all(live(guid) for guid in guids)


def test_activities_and_agreements_stay_with_their_people(hub):
    live_of = live_ids(hub)
    redirected = set(
        DataInput.objects.filter(outcome="redirected").values_list("activity_id", flat=True)
    )

    for model in (Activity, ConsentAgreement):
        rows = hub.before[model._meta.db_table]
        found = dict(model.objects.values_list("pk", "contact_id"))
        elsewhere = {row["id"] for row in rows if found[row["id"]] != live_of[row["contact_id"]]}
        # What a contact said of somebody else was that person's from the first.
        assert elsewhere <= redirected
        assert len(elsewhere) == (1 if model is Activity else 0)
    assert Activity.objects.count() == 617
    assert ConsentAgreement.objects.count() == 80


def test_contacts_in_two_spellings_are_one(hub):
    emails = Counter(live(row["guid"]).email for row in hub.before["contacts_contact"])
    spelled = ["ida@bücher.example", '"jo.frei"@example.com', "kim@example.com", "léa@example.com"]

    assert [emails[email] for email in spelled] == [2, 2, 2, 2]
    assert [
        (contact.first_name, contact.last_name)
        for contact in map(Contact.objects.live().with_email, spelled)
        for contact in contact
    ] == [("Ida", "Roth"), ("Jo", "Frei"), ("Kim", "Lind"), ("Léa", "Nord")]


def test_data_inputs_that_waited_are_applied(hub):
    def shown(first_name):
        found = Contact.objects.live().filter(first_name=first_name)
        return found.values_list("email", "last_name", "city", "country", "state", "job_title")

    assert not DataInput.objects.filter(outcome="pending").exists()
    assert list(shown("Waldo")) == [("", "Frey", "Davos", "CHE", "", "")]
    assert list(shown("Nora")) == [("nora.berg@example.com", "Berg", "", "USA", "CA", "")]
    assert list(shown("Yann")) == [("yann@example.com", "", "", "", "", "")]
    assert list(shown("Yannick")) == [("yann.new@example.com", "", "", "", "", "")]
    assert list(shown("Zita")) == [("zita@example.com", "", "", "FRA", "", "")]
    assert list(shown("Ann")) == [("Ann@ZÜRICH.example", "", "Bern", "", "", "")]
    assert list(shown("Quin 0")) == [("", "", "", "", "", "Baker")]


def test_merges_are_done_and_settled(hub):
    before = Counter(row["status"] for row in hub.before["contacts_contactmerge"])
    assert before == {"done": 7, "pending": 2, "review": 3, "dismissed": 1}

    merges = ContactMerge.objects
    assert not merges.filter(status="pending").exists()
    # One question of before is none any more: both had one mailbox, in two spellings.
    assert merges.filter(status="review").count() == 2
    assert not merges.filter(status="done", is_settled=False).exists()
    merged = Contact.objects.exclude(merged_into=None)
    for model in (Activity, ConsentAgreement, ContactIdentifier, DataInput):
        assert not model.objects.filter(contact__in=merged).exists()


def test_ids_that_came_with_a_fraction_name_one_person(hub):
    ids = ContactIdentifier.objects.filter(contact__first_name__startswith="Uma")

    assert sorted(ids.values_list("value", "contact__first_name")) == [
        ("4711", "Uma 0"),
        ("4711.0", "Uma 0"),
        ("77", "Uma 3"),
        ("77.0", "Uma 3"),
        ("815", "Uma 2"),
        ("b-1", "Uma 5"),
    ]


def test_domains_and_origins_are_as_browsers_write_them(hub):
    channels = channels_by_code_name()

    assert [channels[name].domain for name in ("shop", "shop-ascii", "dotted", "odd")] == [
        "www.xn--bcher-kva.example",
        "www.xn--strae-oqa.example",
        "dotted.example.",  # another channel has it without the dot
        "not a domain/",
    ]
    assert channels["typed"].allowed_origins == [
        "https://app.xn--bcher-kva.example",
        "app.example.com",
        "*",
    ]


def test_the_answer_that_counts_is_known_of_everybody(hub):
    last = ConsentAgreement.objects.order_by("contact", "consent", "-at", "-pk")
    expected = last.distinct("contact", "consent").values_list("pk", "agreed", "text")

    assert sorted(CurrentAnswer.objects.values_list("agreement", "agreed", "text")) == sorted(
        expected
    )
    nora = CurrentAnswer.objects.get(contact__first_name="Nora", consent__code_name="Newsletter")
    assert (nora.agreed, nora.text.language) == (False, "de")


def test_readers_read_everything_from_the_beginning(hub):
    states = ReaderState.objects.order_by("name").values_list("name", "last_error")
    names = ["automations", "destinations", "figures", "groups", "seen"]
    assert list(states) == [(name, "") for name in names]
    assert ActivityTypeUse.objects.aggregate(all=Sum("count"))["all"] == 617
    assert RecordedCount.objects.aggregate(all=Sum("count"))["all"] == 617
    assert set(ContactSeen.objects.values_list("contact", flat=True)) == set(
        Activity.objects.values_list("contact", flat=True)
    )


def test_pages_of_the_admin_show_the_upgraded_hub(hub, admin_client):
    lists = [changelist_url(model) for model in SHOWN_MODELS]
    rows = [row for model in SHOWN_MODELS for row in model.objects.order_by("-pk")[:5]]
    pages = ["/admin/", *lists, *map(change_url, rows)]

    answers = {page: admin_client.get(page).status_code for page in pages}

    assert len(answers) == 112
    assert set(answers.values()) == {200}


def test_recording_goes_on_under_guids_of_before(hub):
    loser = Contact.objects.filter(activities=None).exclude(merged_into=None).earliest("pk")
    survivor = live(str(loser.guid))
    app = App()

    (result,) = app.log(CLICK, contact=loser.guid)

    assert result["status"] == 202
    assert Activity.objects.latest("pk").contact == survivor
    app.log_data_input({"ContactNotes": "Still here"}, contact=loser.guid)
    survivor.refresh_from_db()
    assert survivor.notes == "Still here"
