"""The audit log: every change by anybody, before and after, without secrets and personal data."""

import json
import re
from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from adminsite.audit import acting, forget_old_entries, note
from adminsite.formatting import change_url, changelist_url
from adminsite.models import AuditEntry, UserZone
from adminsite.roles import give_roles
from channels.models import Channel
from config.audited import AUDITED, UNAUDITED, keep_triggers
from config.deeds import DEEDS, NO_DEEDS
from config.programs import name_of_program
from contacts.changes import Changes, Origin
from contacts.models import Contact, ContactChange, ContactMerge
from crosssite.models import TrackedSite
from destinations.models import Delivery, Destination
from tests.admin.history import make_rejected
from tests.admin.pages import form_on
from tests.destinations.desk import make_delivery, make_destination
from tests.factories import (
    make_activity_type,
    make_channel,
    make_consent,
    make_contact,
    make_group,
    make_key,
    make_rule,
)
from tests.security.test_every_url import NEEDED
from tests.security.test_roles import own_models

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_before():
    """What tests look at is what came since."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('hub.forgets', 'audit', true)")
        AuditEntry.objects.all().delete()
        cursor.execute("SELECT set_config('hub.forgets', '', true)")


def website():
    return make_channel(kind="website", domain="www.example.com")


def entries(model=None):
    found = AuditEntry.objects.order_by("pk")
    return list(found.filter(model=model) if model else found)


def test_every_model_is_audited_or_named_as_not():
    assert own_models() <= AUDITED.keys() | UNAUDITED
    assert not AUDITED.keys() & UNAUDITED
    assert {model for model in (*AUDITED, *UNAUDITED) if not apps.get_model(model)} == set()


def test_every_address_of_the_admin_is_a_deed_or_named_as_none():
    assert NEEDED.keys() <= DEEDS.keys() | NO_DEEDS
    assert not DEEDS.keys() & NO_DEEDS


@pytest.mark.parametrize("label", AUDITED)
def test_an_audited_table_has_its_trigger_and_columns_that_exist(label):
    model, audited = apps.get_model(label), AUDITED[label]
    columns = {field.column for field in model._meta.concrete_fields}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_trigger WHERE tgrelid = %s::regclass"
            " AND tgname LIKE 'audited%%'",
            [model._meta.db_table],
        )
        assert cursor.fetchone() == (1,)

    named = {*audited.columns, *audited.also, *audited.without, *audited.hidden}
    assert {*named, *filter(None, [audited.name])} <= columns


def test_a_form_is_kept_with_who_where_before_and_after(admin_client):
    site = TrackedSite.objects.create(
        name="Shop", code_name="shop", url="https://shop.example.com", channel=website()
    )
    url = change_url(site)
    form = form_on(admin_client.get(url)) | {"name": "Store"}

    admin_client.post(url, form, REMOTE_ADDR="203.0.113.9")

    *_, entry = entries("crosssite.trackedsite")
    user = User.objects.get(username="admin")
    assert (entry.actor, entry.user_id, entry.via) == ("admin", user.pk, "admin")
    assert (entry.address, entry.action) == ("203.0.113.9", "changed")
    assert (entry.object_id, entry.name) == (str(site.pk), "Store")
    assert (entry.before, entry.after) == ({"name": "Shop"}, {"name": "Store"})


def test_what_goes_past_forms_is_kept_too():
    channel = make_channel(name="App")
    Channel.objects.filter(pk=channel.pk).update(name="Other")
    channel.delete()

    added, changed, deleted = entries("channels.channel")
    assert [one.action for one in (added, changed, deleted)] == ["added", "changed", "deleted"]
    assert (changed.before, changed.after) == ({"name": "App"}, {"name": "Other"})
    assert (added.before, deleted.after) == (None, None)
    assert deleted.before["name"] == "Other"


def test_without_a_user_the_program_is_named():
    make_channel()

    (entry,) = entries("channels.channel")
    assert (entry.actor, entry.user_id, entry.address) == ("", None, "")
    assert entry.via == connection.settings_dict["OPTIONS"]["application_name"]


def test_what_changes_nothing_that_counts_is_not_kept():
    key, _ = make_key()
    before = len(entries())
    key.last_used_at = timezone.now()
    key.save(update_fields=["last_used_at"])
    key.save()

    assert len(entries()) == before


def test_secrets_are_kept_as_changed_only(admin_client):
    user = User.objects.create_user("mia", password="Sufficiently-long-1")
    channel = make_channel(source_key="k" * 32)
    key, text = make_key(channel)
    Destination.objects.create(
        name="CRM", code_name="crm", url="https://crm.example.com/", headers={"Key": "geheim-1"}
    )
    user.set_password("Sufficiently-long-2")
    user.save()

    told = json.dumps([[one.before, one.after] for one in entries()])
    for secret in (user.password, "k" * 32, text, key.secret_hash, "geheim-1", "pbkdf2", "md5$"):
        assert secret not in told
    assert entries("auth.user")[-1].after == {"password": "hidden"}


def test_roles_and_permissions_of_a_user_are_changes_of_the_user():
    mia = User.objects.create(username="mia")
    give_roles(mia, ["dpo"])
    give_roles(mia, [])

    _, given, taken = entries("auth.user")
    assert (given.name, given.before, given.after) == (
        *("mia", None),
        {"groups": "Data-protection officer"},
    )
    assert (taken.before, taken.after) == ({"groups": "Data-protection officer"}, None)


def test_a_command_with_files_is_kept(tmp_path):
    file = tmp_path / "types.yaml"
    file.write_text("- {kind: activity_type, code_name: custom_a, name: A, enabled: true}")
    call_command("load_config", str(file))
    file.write_text("- {kind: activity_type, code_name: custom_a, name: B, enabled: true}")
    call_command("load_config", str(file))

    added, changed = entries("activities.activitytype")
    assert (added.action, added.after["code_name"]) == ("added", "custom_a")
    assert (changed.before, changed.after) == ({"name": "A"}, {"name": "B"})


def test_members_from_a_file_are_one_entry(tmp_path):
    group, contacts = make_group(), [make_contact() for _ in range(3)]
    file = tmp_path / "members.txt"
    file.write_text("".join(f"{one.guid}\n" for one in contacts))
    before = len(entries())

    call_command("set_members", group.code_name, str(file))

    (entry,) = entries()[before:]
    assert (entry.detail, entry.object_id) == ("Added 3 contacts.", str(group.pk))


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["manage.py", "load_config", "x.yaml"], r"load_config \(.+\)"),
        (["/hub/config/web.py"], "web"),
        (["/venv/celery/__main__.py", "-A", "config", "worker"], "worker"),
        (["/venv/celery/__main__.py", "-A", "config", "beat"], "scheduler"),
        (["/venv/pytest/__main__.py"], "pytest"),
        ([], "python"),
    ],
)
def test_programs_have_names(arguments, name):
    assert re.fullmatch(name, name_of_program(arguments))


def test_changes_of_a_contact_are_told_without_their_values(admin_client):
    contact = make_contact(first_name="Ermintrude")
    form = form_on(admin_client.get(change_url(contact))) | {
        **{"first_name": "Hermione", "city": "Zürich", "_save": "Save"}
    }

    admin_client.post(change_url(contact), form)

    (entry,) = entries("contacts.contact")
    assert entry.detail == "Changed city, first name."
    assert (entry.object_id, entry.actor, entry.before) == (str(contact.pk), "admin", None)
    told = json.dumps(list(AuditEntry.objects.values_list("name", "before", "after", "detail")))
    assert not any(word in told for word in ("Ermintrude", "Hermione", "Zürich", "\\u00fc"))


def test_a_change_of_many_contacts_is_one_entry():
    mia = User.objects.create(username="mia")
    origin = Origin(ContactChange.Source.ADMIN, by=mia)
    contacts = [make_contact() for _ in range(3)]
    changes = Changes()
    for contact in contacts:
        changes.add(contact, {"city": "Graz"}, origin)
    changes.write()

    (entry,) = entries("contacts.contact")
    assert (entry.detail, entry.actor, entry.user_id) == (
        *("Changed city of 3 contacts.", "mia"),
        mia.pk,
    )


def test_what_is_recorded_of_contacts_is_not_in_the_log():
    changes = Changes()
    changes.add(make_contact(), {"city": "Graz"}, Origin(ContactChange.Source.API))
    changes.write()

    assert entries() == []


def test_the_decision_about_a_merge_is_kept_and_what_a_worker_does_is_not(admin_client):
    one, other = make_contact(email="a@example.com"), make_contact(email="b@example.com")
    admin_client.post(f"/admin/contacts/contact/merge/{one.pk}/{other.pk}/", {})
    found = entries("contacts.contactmerge")
    merges = one.merges_survived.model.objects.all()
    merges.update(status="done")

    assert [entry.actor for entry in found] == ["admin"] * len(found)
    assert len(entries("contacts.contactmerge")) == len(found)


def test_deeds_are_kept_and_what_was_refused_is_not(admin_client):
    group = make_group()
    contact = make_contact()
    url = f"/admin/groups/contactgroup/{group.pk}/members/"
    before = len(entries())

    admin_client.post(url, {"contact": contact.pk, "do": "add"})
    admin_client.post(url, {"contact": 10**9, "do": "add"})

    added = entries()[before:]
    assert [one.detail for one in added] == ["Added or removed a contact."]
    assert added[0].object_id == str(group.pk)


def test_an_action_on_a_list_is_kept_by_its_title(admin_client):
    delivery = make_delivery(make_destination(), status="failed")
    data = {"action": "send_again", "_selected_action": [delivery.pk]}

    admin_client.post(changelist_url(Delivery), data)
    admin_client.post(changelist_url(Delivery), {"action": "send_again"})

    noted = [one.detail for one in entries("destinations.delivery")]
    assert noted == ["Chose “Send again” for 1 row."]


def test_a_form_that_was_only_opened_is_no_deed(admin_client):
    two = [make_contact().pk, make_contact().pk]

    opened = admin_client.post(
        changelist_url(Contact), {"action": "merge_selected", "_selected_action": two}
    )
    admin_client.post(
        changelist_url(Contact), {"action": "merge_selected", "_selected_action": two[:1]}
    )

    assert "/merge/" in opened["Location"]
    assert entries("contacts.contact") == []


def test_rows_that_belong_to_others_are_called_by_these_too(admin_client):
    make_consent(name="Tracking consent", texts={"en": "<p>Yes?</p>"})
    rule = make_rule(make_activity_type(name="Loan calculator"), "amount")
    rule.delete()
    UserZone.objects.create(user=User.objects.get(username="admin"), zone="Europe/Vienna")

    texts = {one.name for one in entries("consents.consenttext")}
    assert texts == {"Tracking consent · en"}
    assert {one.name for one in entries("activities.propertyrule")} == {"Loan calculator · amount"}
    assert [one.name for one in entries("adminsite.userzone")] == ["admin · Europe/Vienna"]
    page = admin_client.get(f"{changelist_url(AuditEntry)}?q=Tracking+consent")
    assert "Tracking consent · en" in page.text


def test_what_was_replayed_is_named_by_its_cause(admin_client):
    line = make_rejected(
        named="custom_loan",
        field="",
        channel=make_channel(),
        contact_guid=str(make_contact().guid),
        context={},
    )
    url = "/admin/activities/rejectedactivity/causes/act/"

    admin_client.post(url, {"cause": line.pk, "do": "replay"})

    (entry,) = [one for one in entries() if one.action == "done"]
    assert (entry.name, entry.detail) == ("unknown_type · custom_loan", "Had one line replayed.")


def test_what_has_no_name_has_a_kind_and_a_number(admin_client):
    note("Undid a merge.", model=ContactMerge, object_id=7)
    entry = entries("contacts.contactmerge")[0]

    assert (entry.called, str(entry)) == ("Merge 7", "Merge 7 (done)")
    assert "Merge 7" in admin_client.get(change_url(entry)).text
    assert "contacts.contactmerge" not in admin_client.get(change_url(entry)).text


def test_who_acts_is_forgotten_after_the_request(admin_client):
    admin_client.post("/admin/auth/group/add/", {"name": "Interns"})
    make_channel()

    assert entries("auth.group")[0].actor == "admin"
    assert entries("channels.channel")[0].actor == ""


def test_who_acts_within_is_given_back():
    mia, ada = User.objects.create(username="mia"), User.objects.create(username="ada")
    with acting(mia):
        with acting(ada):
            make_channel()
        make_channel()
    make_channel()

    assert [one.actor for one in entries("channels.channel")] == ["ada", "mia", ""]


@pytest.mark.parametrize("statement", ["UPDATE {} SET actor = 'x'", "DELETE FROM {}"])
def test_the_log_is_never_edited(statement):
    make_channel()

    with (
        pytest.raises(DatabaseError, match="never edited"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format("adminsite_auditentry"))


def test_old_entries_are_forgotten(settings):
    settings.AUDIT_KEPT_DAYS = 10
    with connection.cursor() as cursor:
        for days in (11, 9):
            cursor.execute(
                "INSERT INTO adminsite_auditentry (at, actor, via, address, action, model,"
                " object_id, name, detail) VALUES (%s, '', '', '', 'done', 'x.y', '', '', '')",
                [timezone.now() - timedelta(days=days)],
            )

    forget_old_entries()

    (left,) = entries()
    assert left.at > timezone.now() - timedelta(days=10)


def test_an_entry_stays_when_its_user_is_gone():
    mia = User.objects.create(username="mia")
    with acting(mia, address="203.0.113.9"):
        note("Did something.", model=Channel)
    mia.delete()

    entry = next(one for one in entries() if one.action == "done")
    assert (entry.actor, entry.address, entry.detail) == ("mia", "203.0.113.9", "Did something.")


def test_texts_that_would_fill_the_log_are_cut():
    channel = make_channel()
    TrackedSite.objects.create(
        name="a",
        code_name="a",
        url="https://a.example.com",
        channel=channel,
        description="x" * 30000,
    )

    (entry,) = entries("crosssite.trackedsite")
    assert len(entry.after["description"]) < 20_010


def test_triggers_follow_the_table_and_are_made_once():
    config = apps.get_app_config("crosssite")
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgname FROM pg_trigger WHERE tgname LIKE 'audited%' ORDER BY 1")
        before = cursor.fetchall()
        cursor.execute(
            "CREATE TRIGGER audited_old AFTER INSERT ON crosssite_trackedsite FOR EACH ROW"
            " EXECUTE FUNCTION adminsite_audit_row()"
        )
    keep_triggers(config)
    keep_triggers(config)

    with connection.cursor() as cursor:
        cursor.execute("SELECT tgname FROM pg_trigger WHERE tgname LIKE 'audited%' ORDER BY 1")
        assert cursor.fetchall() == before


def test_the_pages_show_names_instead_of_numbers_and_escape(client):
    chief = User.objects.create(username="chief", is_staff=True)
    give_roles(chief, ["dpo"])
    client.force_login(chief)
    channel = make_channel(name="<script>alert(1)</script>")
    site = TrackedSite.objects.create(
        name="Shop", code_name="shop", url="https://shop.example.com", channel=channel
    )

    listed = client.get(changelist_url(AuditEntry))
    page = client.get(change_url(entries("crosssite.trackedsite")[0]))

    assert listed.status_code == page.status_code == 200
    assert "<script>alert(1)" not in listed.text + page.text
    assert f"&lt;script&gt;alert(1)&lt;/script&gt; (#{channel.pk})" in page.text
    # Who may not see the site gets no link that leads to 403.
    assert change_url(site) not in page.text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("who=-", 1),
        ("who=USER", 1),
        ("kind=auth.group", 1),
        ("action__exact=added", 2),
        ("who=x", 2),
    ],
)
def test_the_log_is_filtered_by_who_what_and_when(admin_client, query, found):
    make_channel()
    admin_client.post("/admin/auth/group/add/", {"name": "Interns"})
    query = query.replace("USER", str(User.objects.get(username="admin").pk))
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('hub.forgets', 'audit', true)")
    AuditEntry.objects.filter(model__in=["auth.user"]).delete()

    page = admin_client.get(changelist_url(AuditEntry, query))

    assert page.context["cl"].result_count == found


def test_somebody_who_is_not_logged_in_is_told_as_such():
    mia = User.objects.create_user("mia", password="Sufficiently-long-1", is_staff=True)
    Client().post("/admin/login/", {"username": "mia", "password": "Sufficiently-long-1"})

    assert [one.action for one in entries("auth.user")] == ["added"]
    assert mia.pk
