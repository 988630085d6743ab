"""Imports with real connections: two halves at once, two workers, and what comes in the middle."""

import threading
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from activities.erasing import erase_contact
from activities.models import Activity
from adminsite.roles import give_roles
from contacts.models import (
    Contact,
    ContactChange,
    ContactIdentifier,
    ContactMerge,
    ContactTag,
    Tag,
)
from contacts.undoing import undo_merge
from exchange.admin.uploading import read_again
from exchange.importing import acting, bringing, undoing
from exchange.importing.acting import (
    CannotImport,
    cancel,
    go_on,
    start_import,
    start_undo,
    work_through,
)
from exchange.importing.storing import raw_of
from exchange.importing.telling import kept_of, rejects_of
from exchange.jobs import IMPORTS
from exchange.models import Import
from jobs.working import work_off
from tests.contacts.merged import merge
from tests.exchange.importing.previewing import previewed
from tests.factories import make_activity_type, make_channel, make_contact
from tests.threads import run_at_once, wait_until_somebody_waits

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

PEOPLE = "email,city\n" + "".join(f"person-{number}@example.com,Wien\n" for number in range(300))


@pytest.fixture
def small(monkeypatch):
    """Portions of twenty rows."""
    monkeypatch.setattr(acting, "_FIRST", 20)
    monkeypatch.setattr(acting, "_FEWEST", 20)
    monkeypatch.setattr(acting, "_MOST", 20)


@pytest.fixture
def user():
    made = User.objects.create(username="marketer", is_staff=True)
    give_roles(made, ["marketer"])
    return made


@pytest.fixture
def marketer(user):
    client = Client()
    client.force_login(user)
    return client


class Pause:
    """Does what `do` does; after so many portions, workers wait in it until `end` is called."""

    def __init__(self, do, portions):
        self._do, self._left = do, portions
        self._lock = threading.Lock()
        self._is_reached, self._is_over = threading.Event(), threading.Event()

    def portion(self, *arguments):
        """The portion, and the pause behind it."""
        done = self._do(*arguments)
        with self._lock:
            self._left -= 1
            if self._left == 0:
                self._is_reached.set()
        if self._is_reached.is_set():
            assert self._is_over.wait(30)
        return done

    def wait(self):
        """Return once a worker waits in it."""
        assert self._is_reached.wait(30)

    def end(self):
        """Have all workers go on."""
        self._is_over.set()


@pytest.fixture
def pause_importing(monkeypatch, small):
    """A pause after so many portions of an import."""

    def pause(portions):
        made = Pause(bringing.Portion.bring_in, portions)
        monkeypatch.setattr(bringing.Portion, "bring_in", lambda portion: made.portion(portion))
        return made

    return pause


@pytest.fixture
def pause_undoing(monkeypatch, small):
    """A pause after so many portions of an undo."""

    def pause(portions):
        made = Pause(undoing.undo_contacts, portions)
        monkeypatch.setattr(undoing, "undo_contacts", made.portion)
        return made

    return pause


def work():
    """What a worker does."""
    assert work_off(IMPORTS)


def page(name, import_):
    return reverse(f"admin:exchange_import_{name}", args=[import_.pk])


def text_of(answer):
    return " ".join(answer.content.decode().split())


def press_cancel(client, import_, pause):
    """What a user does who sees how far it is, and presses the button."""

    def press():
        pause.wait()
        try:
            assert page("cancel", import_) in text_of(client.get(page("progress", import_)))
            return text_of(client.post(page("cancel", import_), follow=True))
        finally:
            pause.end()

    return press


def test_import_that_two_workers_come_to_brings_in_each_row_once(imports, monkeypatch):
    monkeypatch.setattr(acting, "_FIRST", 20)
    monkeypatch.setattr(acting, "_MOST", 40)
    import_ = imports.check(PEOPLE)
    start_import(import_)
    run_at_once(
        lambda: work_through(Import.objects.get()), lambda: work_through(Import.objects.get())
    )
    import_.refresh_from_db()
    assert (import_.status, import_.counts["create"]) == ("imported", 300)
    assert Contact.objects.count() == ContactChange.objects.count() == 300
    assert imports.undo(import_) == {"restored": 0, "removed": 300, "kept": {}}
    assert not Contact.objects.exists()


def test_undo_that_two_workers_come_to_takes_each_change_back_once(imports, small):
    for number in range(0, 300, 2):
        make_contact(email=f"person-{number}@example.com", city="Graz")
    import_ = imports.bring_in(PEOPLE)
    start_undo(import_)
    run_at_once(
        lambda: work_through(Import.objects.get()), lambda: work_through(Import.objects.get())
    )
    import_.refresh_from_db()
    assert import_.undone == {"restored": 150, "removed": 150, "kept": {}}
    assert import_.status == "undone"
    assert set(Contact.objects.values_list("city", flat=True)) == {"Graz"}
    assert ContactChange.objects.filter(source="undo").count() == 150


def test_same_file_that_two_users_start_at_once_is_imported_by_one(imports):
    def start(import_):
        try:
            start_import(import_)
        except CannotImport as error:
            return str(error)
        return ""

    one, other = imports.check(PEOPLE), imports.check(PEOPLE)
    said = run_at_once(lambda: start(one), lambda: start(other))
    assert sorted(map(bool, said)) == [False, True]
    assert "same file is being imported already" in "".join(said)
    assert Import.objects.filter(status="importing").count() == 1


def test_import_that_is_started_while_its_file_is_replaced_is_refused(imports, monkeypatch):
    import_ = imports.check(PEOPLE)
    raw_of(import_.file).write_text("email,zip\nann@example.com,1010\n")
    is_replacing = threading.Event()
    replace = Path.replace

    def and_wait(path, target):
        is_replacing.set()
        wait_until_somebody_waits()
        return replace(path, target)

    def start():
        assert is_replacing.wait(30)
        try:
            start_import(Import.objects.get())
        except CannotImport as error:
            return str(error)
        return ""

    monkeypatch.setattr(Path, "replace", and_wait)
    _, said = run_at_once(lambda: read_again(import_, {}), start)
    assert said == "Only what was checked can be imported, and once."
    import_.refresh_from_db()
    assert (import_.status, import_.headers) == ("uploaded", ["email", "zip"])


def test_tags_and_identifiers_come_by_both_halves_at_once(imports, monkeypatch):
    monkeypatch.setattr(acting, "_FIRST", 20)
    rows = "".join(f'p{n}@example.com,"news,t{n % 7}",u{n},b{n % 50}\n' for n in range(300))
    import_ = imports.check(
        f"email,tags,user,browser\n{rows}",
        {
            "email": "email",
            "tags": "tags",
            "user": "identifier:shop:user_id",
            "browser": "identifier:shop:anonymous_id",
        },
    )
    start_import(import_)
    run_at_once(
        lambda: work_through(Import.objects.get()), lambda: work_through(Import.objects.get())
    )
    import_.refresh_from_db()
    assert (import_.status, import_.counts["create"]) == ("imported", 300)
    assert ContactTag.objects.count() == 600
    assert ContactIdentifier.objects.count() == 350
    assert imports.undo(import_) == {"restored": 0, "removed": 300, "kept": {}}
    assert not Tag.objects.exists()
    assert not ContactTag.objects.exists()
    assert not ContactIdentifier.objects.exists()


def test_portion_that_is_cancelled_meanwhile_is_not_brought_in(imports, monkeypatch):
    import_ = imports.check(PEOPLE)
    start_import(import_)
    bring_in = bringing.Portion.bring_in

    def and_cancel(portion):
        counts = bring_in(portion)
        run_at_once(lambda: cancel(Import.objects.get()))
        return counts

    monkeypatch.setattr(bringing.Portion, "bring_in", and_cancel)
    go_on([import_.pk])
    import_.refresh_from_db()
    assert (import_.status, import_.counts["rows"]) == ("cancelled", 0)
    assert not Contact.objects.exists()


def test_import_that_a_user_cancels_ends_with_what_was_brought_in(
    imports, pause_importing, marketer
):
    import_ = imports.check(PEOPLE)
    start_import(import_)
    pause = pause_importing(6)
    _, shown = run_at_once(work, press_cancel(marketer, import_, pause))
    assert "Cancelled. What was imported by then stays, and can be undone." in shown
    import_.refresh_from_db()
    assert import_.status == "cancelled"
    # All that was noted before is there, and nothing of the portions that were under way.
    assert 0 < import_.counts["create"] == Contact.objects.count() < 140
    work()
    assert Contact.objects.count() == import_.counts["create"]
    done = import_.counts["create"]
    rest = imports.bring_in(PEOPLE)
    assert (rest.counts["create"], rest.counts["unchanged"]) == (300 - done, done)
    marketer.post(page("undo", import_))
    work()
    import_.refresh_from_db()
    assert (import_.status, Contact.objects.count()) == ("undone", 300 - done)


def test_undo_that_a_user_cancels_has_undone_a_part_and_goes_on(imports, pause_undoing, marketer):
    make_contact(email="person-0@example.com", city="Graz")
    make_contact(email="person-299@example.com", city="Graz")
    import_ = imports.bring_in(PEOPLE)
    start_undo(import_)
    pause = pause_undoing(6)
    _, shown = run_at_once(work, press_cancel(marketer, import_, pause))
    assert "Cancelled. What was undone by then stays so, and the rest can be undone." in shown
    assert "Partly undone" in shown
    assert "Undo the rest" in shown
    import_.refresh_from_db()
    assert import_.status == "partly_undone"
    removed = 300 - Contact.objects.count()
    assert 0 < import_.undone["removed"] == removed < 140
    assert previewed(import_) == {
        "restored": 2 - import_.undone["restored"],
        "removed": 298 - removed,
        "kept": {},
    }
    work()
    assert Contact.objects.count() == 300 - removed

    assert "Undo the rest of the import" in text_of(marketer.get(page("undo", import_)))
    marketer.post(page("undo", import_))
    work()
    import_.refresh_from_db()
    assert import_.status == "undone"
    assert import_.undone == {"restored": 2, "removed": 298, "kept": {}}
    assert set(Contact.objects.values_list("city", flat=True)) == {"Graz"}


def test_undo_of_activities_can_be_cancelled_and_goes_on(imports, small, monkeypatch):
    make_contact(email="ann@example.com")
    kind = make_activity_type().code_name
    text = "email,type,value\n" + f"ann@example.com,{kind},1\n" * 60
    import_ = imports.bring_in(text, kind="activities", channel=make_channel())
    start_undo(import_)
    monkeypatch.setattr(acting, "_SECONDS_AT_A_TIME", 0.0)
    go_on([import_.pk])
    assert run_at_once(lambda: cancel(Import.objects.get())) == [True]
    import_.refresh_from_db()
    assert (import_.status, import_.undone["removed"]) == ("partly_undone", 20)
    assert previewed(import_) == {"restored": 0, "removed": 40, "kept": {}}
    work()
    assert Activity.objects.count() == 40
    start_undo(import_)
    work()
    import_.refresh_from_db()
    assert (import_.status, import_.undone["removed"]) == ("undone", 60)
    assert not Activity.objects.exists()


def test_person_who_is_erased_during_an_import_is_not_in_it(imports, pause_importing):
    # One is brought in by then, of another the row is still to come.
    done = make_contact(email="person-0@example.com")
    coming = make_contact(email="Person-299@example.com")
    import_ = imports.check(PEOPLE)
    file = import_.file
    start_import(import_)
    pause = pause_importing(2)

    def erase_when_paused():
        pause.wait()
        erase_contact(coming.pk)
        erase_contact(done.pk)

    def go_on_once_it_waits():
        pause.wait()
        wait_until_somebody_waits()
        pause.end()

    run_at_once(work, erase_when_paused, go_on_once_it_waits)
    import_.refresh_from_db()
    assert (import_.status, import_.counts["rows"]) == ("imported", 300)
    assert (import_.counts["create"], import_.counts["update"], import_.counts["reject"]) == (
        *(298, 1, 1),
    )
    gone = ["person-0@example.com", "person-299@example.com"]
    assert not Contact.objects.filter(email_key__in=gone).exists()
    assert ContactChange.objects.filter(import_id=import_.pk).count() == 298
    assert not file.exists()
    # Both are told, also the one whose row had been brought in, and nothing is left of either.
    told = "".join(rejects_of(import_)).splitlines()
    assert [line.partition(",")[0] for line in told] == ["row", "2", "301"]
    assert imports.undo(import_) == {"restored": 0, "removed": 298, "kept": {}}


def test_contacts_who_are_merged_during_an_import_get_the_rows_of_both(
    imports, pause_importing, user
):
    ann = make_contact(email="person-148@example.com", zip="1010")
    nan = make_contact(email="person-299@example.com")
    import_ = imports.check(
        PEOPLE.replace("person-299@example.com,Wien", "person-299@example.com,Linz")
    )
    start_import(import_)
    pause = pause_importing(2)

    def merge_when_paused():
        pause.wait()
        try:
            merge(ann, nan, decided_by=user)
        finally:
            pause.end()

    run_at_once(work, merge_when_paused)
    import_.refresh_from_db()
    assert (import_.status, import_.counts["rows"]) == ("imported", 300)
    ann.refresh_from_db()
    nan.refresh_from_db()
    assert nan.merged_into_id == ann.pk
    assert (ann.email, ann.zip) == ("person-148@example.com", "1010")
    assert ann.city in ("Wien", "Linz")  # of the two halves, either comes last
    assert Contact.objects.live().count() == import_.counts["create"] + 1
    # What the two were before, they are again, but for their being one.
    undone = imports.undo(import_)
    ann.refresh_from_db()
    assert (ann.city, ann.zip) == ("", "1010")
    assert undone["removed"] == import_.counts["create"]
    assert Contact.objects.live().count() == 1


def test_undo_keeps_contacts_who_were_merged_since_even_if_they_are_parted(imports, user):
    nan = make_contact(email="person-1@example.com", city="Graz")
    import_ = imports.bring_in(PEOPLE)
    ann = Contact.objects.get(email_key="person-0@example.com")
    done = merge(ann, nan, decided_by=user)
    assert previewed(import_) == {"restored": 0, "removed": 298, "kept": {"merged": 2}}
    undo_merge(done.pk)
    assert imports.undo(import_) == {"restored": 0, "removed": 298, "kept": {"merged": 2}}
    assert Contact.objects.live().count() == 2
    assert "".join(kept_of(import_)).count("merged with another") == 2
    assert ContactMerge.objects.get().status == "undone"


def test_contacts_who_are_merged_during_an_undo_are_kept(imports, pause_undoing, user):
    import_ = imports.bring_in(PEOPLE)
    changes = ContactChange.objects.order_by("pk").select_related("contact")
    # Those to whom the two halves come last.
    ann, nan = changes[150].contact, changes[0].contact
    start_undo(import_)
    pause = pause_undoing(2)

    def merge_when_paused():
        pause.wait()
        try:
            merge(ann, nan, decided_by=user)
        finally:
            pause.end()

    run_at_once(work, merge_when_paused)
    import_.refresh_from_db()
    assert import_.status == "undone"
    assert import_.undone == {"restored": 0, "removed": 298, "kept": {"merged": 2}}
    ann.refresh_from_db()
    assert (ann.city, ann.merged_into_id) == ("Wien", None)
