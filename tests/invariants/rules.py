"""What is true of a hub's database as soon as its workers are done, whatever happened at once."""

from collections import Counter

from django.apps import apps
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from activities.models import Activity, DataInput
from consents.models import ConsentAgreement, CurrentAnswer
from contacts.keys import ContactKey
from contacts.models import Contact, ContactChange, ContactMerge, MovedRows, UndoneMerge
from contacts.moving import name_of
from contacts.profile import FIELDS, fields_of, texts_of
from contacts.resolving import get_live_contact
from groups.compiling import members as compiled
from groups.followed import follow as rule_of
from groups.models import ContactGroup, Membership, MembershipDue, MembershipEvent
from tests.invariants import journal


def check_all(*, channel, recorded):
    """Check every rule.

    :param recorded: how many activities of `channel` were accepted
    """
    assert_each_mailbox_has_one_live_contact()
    assert_nothing_waits()
    assert_rows_are_those_of_live_contacts()
    assert_activities_are_stored_or_erased(channel, recorded)
    assert_contacts_are_the_sum_of_their_changes()
    assert_each_data_input_was_applied_once()
    assert_the_latest_answer_counts()
    assert_merges_know_what_they_moved()
    assert_what_was_undone_is_apart()
    assert_nothing_is_left_of_who_was_erased()
    assert_groups_are_true()
    assert_history_of_groups_adds_up()


def assert_each_mailbox_has_one_live_contact():
    keys = Contact.objects.live().exclude(email_key="").values_list("email_key", flat=True)
    assert [key for key, count in Counter(keys).items() if count > 1] == []


def assert_nothing_waits():
    assert not DataInput.objects.filter(outcome=DataInput.Outcome.PENDING).exists()
    assert not UndoneMerge.objects.filter(is_settled=False).exists()
    merges = ContactMerge.objects.exclude(status__in=["review", "dismissed", "undone"])
    assert set(merges.values_list("status", "is_settled")) <= {("done", True)}


def assert_rows_are_those_of_live_contacts():
    for key in journal.moving_keys():
        stray = key.model._default_manager.filter(**{f"{key.name}__merged_into__isnull": False})
        assert (name_of(key), list(stray)) == (name_of(key), [])
    for data_input in DataInput.objects.select_related("activity"):
        assert data_input.contact_id == data_input.activity.contact_id


def assert_activities_are_stored_or_erased(channel, recorded):
    erased = [
        line["contact_id"]
        for line in journal.erased("activity")
        if line["channel_id"] == channel.pk
    ]
    assert Activity.objects.filter(channel=channel).count() + len(erased) == recorded
    assert not Contact.objects.filter(pk__in=erased).exists()


def assert_contacts_are_the_sum_of_their_changes():
    for contact in Contact.objects.all():
        fields = dict.fromkeys(FIELDS, "")
        for change in ContactChange.objects.filter(contact=contact).order_by("pk"):
            assert {name: fields[name] for name in change.before} == change.before
            assert change.before.keys() == change.after.keys()
            fields |= change.after
        assert fields == texts_of(fields_of(contact))


def assert_each_data_input_was_applied_once():
    """A data input changes one contact, except that it may have made the contact as well."""
    changes = ContactChange.objects.filter(source=ContactChange.Source.DATA_INPUT)
    made = Counter(
        (change.contact_id, change.activity_id, name) for change in changes for name in change.after
    )
    assert [one for one, count in made.items() if count > 1] == []


def assert_the_latest_answer_counts():
    latest = {}
    for agreement in ConsentAgreement.objects.order_by("at", "pk"):
        latest[agreement.contact_id, agreement.consent_id] = agreement.pk
    current = CurrentAnswer.objects.values_list("contact", "consent", "agreement")
    assert {pair: pk for *pair, pk in current for pair in [tuple(pair)]} == latest


def assert_merges_know_what_they_moved():
    listed = Counter(
        (moved.key, row, moved.contact_id)
        for moved in MovedRows.objects.all()
        for row in moved.rows
    )
    # What erased contacts had is gone from both.
    seen = journal.rows(
        "SELECT key, id, was FROM moves WHERE by_merge"
        " AND EXISTS (SELECT FROM contacts_contact WHERE contacts_contact.id = was)"
    )
    seen = Counter(seen)
    assert listed == seen, (listed - seen, seen - listed)


def assert_what_was_undone_is_apart():
    """Whom an undo has parted only a user merges again; each has what was logged under its GUID."""
    for merge in ContactMerge.objects.filter(status="undone"):
        both = get_live_contact(merge.survivor_id), get_live_contact(merge.loser_id)
        if both[0] == both[1]:
            by_a_user = Q(reason="marketer") | Q(decided_by__isnull=False)
            later = ContactMerge.objects.filter(by_a_user, status="done")
            assert later.filter(finished_at__gt=merge.undone.at).exists()
        else:
            # What was redirected by an email is another person's.
            strange = Activity.objects.filter(contact=both[0], logged_as=merge.loser.guid)
            assert list(strange.filter(data_input__sent_by=None)) == []


def assert_nothing_is_left_of_who_was_erased():
    gone = journal.erased("contact")
    ids = [contact["id"] for contact in gone]
    for model in apps.get_models():
        for key in model._meta.local_fields:
            if isinstance(key, ContactKey):
                left = model._base_manager.filter(**{f"{key.attname}__in": ids})
                assert (name_of(key), list(left)) == (name_of(key), [])
    guids = [f"%{contact['guid']}%" for contact in gone]
    assert [table for table in _tables() if _has_any(table, guids)] == []


def assert_groups_are_true():
    """The members are those of the rule, and nobody is looked at too late."""
    assert not Membership.objects.filter(contact__merged_into__isnull=False).exists()
    for group in ContactGroup.objects.filter(enabled=True, static=False):
        statement = compiled(rule_of(group.rule).tree, now=timezone.now())
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, statement.params)
            rows = cursor.fetchall()
        stored = set(Membership.objects.filter(group=group).values_list("contact", flat=True))
        assert (group.code_name, stored) == (
            group.code_name,
            {pk for pk, holds, _ in rows if holds},
        )
        due = dict(MembershipDue.objects.filter(group=group).values_list("contact", "due_at"))
        late = [pk for pk, _, due_at in rows if due_at and due.get(pk, due_at) > due_at]
        assert (group.code_name, late) == (group.code_name, [])
        missing = [pk for pk, _, due_at in rows if due_at and pk not in due]
        assert (group.code_name, missing) == (group.code_name, [])


def assert_history_of_groups_adds_up():
    """Who is in a group is who entered and has not left."""
    history = {}
    for event in MembershipEvent.objects.order_by("pk"):
        place = (event.group_id, event.contact_id)
        assert history.get(place, False) != event.entered, "nobody enters or leaves twice"
        history[place] = event.entered
    inside = {place for place, entered in history.items() if entered}
    assert set(Membership.objects.values_list("group", "contact")) == inside


def _tables():
    return connection.introspection.django_table_names(only_existing=True)


def _has_any(table, patterns):
    lines = f"SELECT 1 FROM {table} AS line WHERE line::text ILIKE ANY(%s::text[]) LIMIT 1"
    return journal.rows(lines, patterns)
