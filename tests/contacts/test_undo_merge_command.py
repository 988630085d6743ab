import json

import pytest
from django.core.management import CommandError, call_command

from adminsite.models import AuditEntry
from contacts.models import ContactMerge
from tests.contacts.merged import merge
from tests.factories import make_activity, make_contact

pytestmark = pytest.mark.django_db


def test_the_command_prints_what_came_back(capsys):
    survivor, loser = make_contact(email="ann@example.com"), make_contact(city="Bern")
    make_activity(loser)
    done = merge(survivor, loser)

    call_command("undo_merge", str(done.pk))

    assert json.loads(capsys.readouterr().out) == {
        "restored": {"activities": 1, "fields": ["city"]},
        "not_restored": [],
    }
    entry = AuditEntry.objects.get(detail="Undid a merge.")
    assert (entry.model, entry.object_id) == ("contacts.contactmerge", str(done.pk))


def test_a_second_undo_and_an_unknown_merge_are_refused_in_one_line():
    done = merge(make_contact(), make_contact())
    call_command("undo_merge", str(done.pk))

    for key, message in (
        (done.pk, f"Merge {done.pk} was undone already."),
        (done.pk + 1, f"There is no merge {done.pk + 1}."),
        ("four", "This is no id of a merge: four"),
        (10**30, f"This is no id of a merge: {10**30}"),
    ):
        with pytest.raises(CommandError) as refused:
            call_command("undo_merge", str(key))
        assert str(refused.value) == message
    assert ContactMerge.objects.get().status == ContactMerge.Status.UNDONE
