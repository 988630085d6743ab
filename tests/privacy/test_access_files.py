"""Access files as a job: made, cancelled, taken by users and by the person, and deleted again."""

import errno
import hashlib
import json
import os
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now
from django.utils import timezone

from activities.erasing import erase_contact
from adminsite.models import AuditEntry
from contacts.merging import lock_live
from contacts.models import Contact
from jobs.working import work_off
from privacy.access import making, storing
from privacy.access.asking import cancel, make_access_file, make_link, revoke_link
from privacy.access.links import link_to_file
from privacy.access.making import forget_old_files
from privacy.jobs import ACCESS_FILES
from privacy.models import AccessFile
from tests.contacts.merged import merge
from tests.factories import make_activity, make_contact
from tests.privacy.person import MINE, Zip

pytestmark = pytest.mark.django_db


def made(contact=None, **fields):
    """A file that a worker has made, with a link for the person."""
    contact = contact or make_contact(email="ada@example.com", first_name=MINE)
    file = make_access_file(contact, "access")
    work_off(ACCESS_FILES)
    assert make_link(file) is True
    if fields:
        AccessFile.objects.filter(pk=file.pk).update(**fields)
    file.refresh_from_db()
    return file


def path_of_link(file):
    return "/" + link_to_file(file).partition("://")[2].partition("/")[2]


def files_there():
    return sorted(path.name for path in storing.folder().iterdir())


def test_a_worker_makes_the_file_that_was_asked_for(settings, django_user_model):
    officer = django_user_model.objects.create(username="officer")
    contact = make_contact(first_name=MINE)

    file = make_access_file(contact, "access", officer)
    assert make_access_file(contact, "access") == file
    work_off(ACCESS_FILES)

    file.refresh_from_db()
    path = storing.path_of(file.stored_as)
    content = path.read_bytes()
    assert (file.status, file.is_ready, file.size) == ("ready", True, len(content))
    assert file.sha256 == hashlib.sha256(content).hexdigest()
    assert file.tables == {name: len(Zip(content).rows(name)) for name in file.tables}
    assert file.rows == sum(file.tables.values())
    assert file.expires_at - file.finished_at == timedelta(days=7)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert MINE not in file.name
    entry = AuditEntry.objects.get(model="privacy.accessfile")
    assert (entry.detail, entry.actor) == (
        "Asked for a file with personal data (access).",
        "officer",
    )


def test_a_file_that_was_cancelled_is_not_made():
    file = make_access_file(make_contact(), "portability")

    assert cancel(file) is True
    work_off(ACCESS_FILES)

    file.refresh_from_db()
    assert (file.status, file.stored_as, cancel(file)) == ("cancelled", "", False)
    assert files_there() == []


@pytest.mark.parametrize("meanwhile", ["cancelled", "erased"])
def test_a_file_that_nobody_waits_for_any_more_is_thrown_away(monkeypatch, meanwhile):
    contact = make_contact()
    make_activity(contact)
    file = make_access_file(contact, "access")
    real = making.write_file

    def write(*args, **kwargs):
        written = real(*args, **kwargs)
        if meanwhile == "cancelled":
            cancel(file)
        else:
            erase_contact(contact.pk)
        return written

    monkeypatch.setattr(making, "write_file", write)
    work_off(ACCESS_FILES)

    assert files_there() == []
    assert not AccessFile.objects.filter(status="ready").exists()


def killed(contact, monkeypatch):
    """A file of this contact, as a worker leaves it that is killed while it writes."""
    file = make_access_file(contact, "access")

    class Killed(BaseException):
        pass

    def write(person, kind, written, **kwargs):
        written.write(b"half of what is known of them")
        written.flush()
        os.link(written.name, f"{written.name}.kept")
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(making, "write_file", write)
        with pytest.raises(Killed):
            work_off(ACCESS_FILES)
    # Nothing of what a worker does when it ends in order was done.
    (kept,) = storing.folder().iterdir()
    kept.rename(kept.with_suffix(""))
    file.refresh_from_db()
    assert (file.status, files_there()) == ("waiting", [file.stored_as])
    return file


def test_a_file_of_a_worker_that_was_killed_is_begun_anew(monkeypatch):
    file = killed(make_contact(first_name=MINE), monkeypatch)
    half = file.stored_as
    AccessFile.objects.update(due_at=Now())

    work_off(ACCESS_FILES)

    file.refresh_from_db()
    assert file.status == "ready"
    assert files_there() == [file.stored_as] != [half]
    assert Zip(storing.path_of(file.stored_as).read_bytes()).rows("contact")


def test_half_a_file_of_a_worker_that_was_killed_goes_with_the_person(monkeypatch):
    file = killed(make_contact(first_name=MINE), monkeypatch)

    erase_contact(file.contact_id)

    assert files_there() == []


def test_half_a_file_of_a_worker_that_was_killed_goes_when_it_is_cancelled(monkeypatch):
    file = killed(make_contact(first_name=MINE), monkeypatch)

    assert cancel(file) is True

    assert files_there() == []


def test_a_worker_that_was_taken_for_dead_does_not_end_the_file_of_another(monkeypatch):
    file = make_access_file(make_contact(first_name=MINE), "access")
    real = making.write_file

    def write(*args, **kwargs):
        written = real(*args, **kwargs)
        # Another worker has begun anew.
        AccessFile.objects.update(stored_as="another.zip")
        return written

    monkeypatch.setattr(making, "write_file", write)
    making.make_files([file.pk])

    file.refresh_from_db()
    assert (file.status, file.stored_as) == ("waiting", "another.zip")
    assert files_there() == []


def test_a_worker_that_is_told_to_end_leaves_the_file_to_another(monkeypatch):
    file = make_access_file(make_contact(first_name=MINE), "access")

    def write(*args, progress, **kwargs):
        AccessFile.objects.update(due_at=timezone.now() + timedelta(minutes=2))
        monkeypatch.setattr(making.stopping, "is_set", lambda: True)
        progress("Contact", 1)

    with monkeypatch.context() as patch:
        patch.setattr(making, "write_file", write)
        making.make_files([file.pk])
    monkeypatch.undo()

    file.refresh_from_db()
    assert (file.status, files_there()) == ("waiting", [])
    assert file.due_at <= timezone.now()


def test_a_file_of_which_the_person_was_merged_meanwhile_is_begun_anew(monkeypatch):
    contact, survivor = make_contact(first_name=MINE), make_contact(email="ada@example.com")
    file = make_access_file(contact, "access")
    real, times = making.write_file, []

    def write(*args, **kwargs):
        written = real(*args, **kwargs)
        if not times:
            merge(survivor, contact)
        times.append(1)
        return written

    monkeypatch.setattr(making, "write_file", write)
    work_off(ACCESS_FILES)

    file.refresh_from_db()
    (name,) = files_there()
    data = Zip(storing.path_of(name).read_bytes()).data
    assert (file.status, len(times), file.contact) == ("ready", 2, survivor)
    assert data["contact"]["guid"] == str(survivor.guid)


def test_a_disk_that_is_full_leaves_nothing_behind_and_is_said(monkeypatch):
    file = make_access_file(make_contact(), "access")

    def write(*args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(making, "write_file", write)
    work_off(ACCESS_FILES)

    file.refresh_from_db()
    assert (file.status, file.attempts) == ("waiting", 1)
    assert file.last_error == (
        "CannotMake: There is no room left on the disk of the hub. Make some: then it is made "
        "again."
    )
    assert files_there() == []


def test_a_file_is_deleted_when_its_time_is_over_and_its_row_stays():
    old = made(expires_at=timezone.now() - timedelta(minutes=1))
    young = made(make_contact())
    left_behind = storing.path_of("left.zip")
    left_behind.write_text("x")
    os.utime(left_behind, (0, 0))

    forget_old_files()

    old.refresh_from_db()
    assert (old.status, old.reason, old.stored_as) == ("deleted", "Its time was over.", "")
    assert files_there() == [young.stored_as]


def test_erasing_a_person_deletes_their_files():
    file = made()
    other = made(make_contact())

    erase_contact(file.contact_id)

    assert files_there() == [other.stored_as]
    assert list(AccessFile.objects.all()) == [other]


def test_the_link_shows_a_page_and_gives_the_file_when_its_button_is_pressed(client):
    file = made()
    path = path_of_link(file)

    page = client.get(path)
    answer = client.post(path, headers={"Range": "bytes=0-9"})

    content = b"".join(answer.streaming_content)
    file.refresh_from_db()
    assert page.status_code == 200
    assert f"Download {file.name}" in page.text
    assert hashlib.sha256(content).hexdigest() == file.sha256
    assert (answer.status_code, answer["Accept-Ranges"]) == (200, "none")
    assert answer["Content-Disposition"] == f'attachment; filename="{file.name}"'
    for one in (page, answer):
        assert one["Cache-Control"] == "no-store"
        assert one["Referrer-Policy"] == "no-referrer"
        assert one["X-Robots-Tag"] == "noindex, nofollow"
    assert (file.link_downloads, file.downloads) == (1, 0)
    assert AuditEntry.objects.filter(detail="Downloaded by the link for the person.").count() == 1


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("ended", ["expired", "revoked", "remade", "deleted", "erased", "gone"])
def test_a_link_that_has_ended_is_410(client, method, ended):
    file = made()
    path = path_of_link(file)
    if ended == "expired":
        AccessFile.objects.update(link_expires_at=Now() - timedelta(seconds=1))
    elif ended == "revoked":
        revoke_link(file)
    elif ended == "remade":
        make_link(file)
    elif ended == "erased":
        erase_contact(file.contact_id)
    elif ended == "deleted":
        AccessFile.objects.update(expires_at=Now() - timedelta(seconds=1))
        forget_old_files()
    else:
        storing.delete(file.stored_as)

    answer = getattr(client, method)(path)

    if (ended, method) == ("gone", "get"):
        return  # only who opens it finds that it is not there
    assert answer.status_code == 410
    assert "This link has ended" in answer.text
    assert answer["Cache-Control"] == "no-store"


def test_an_address_that_the_hub_has_not_made_is_404(client):
    file, other = made(), made(make_contact())
    mine, theirs = path_of_link(file), path_of_link(other)
    number, rest = mine.removeprefix("/privacy/file/").split("-", 1)
    forged = f"/privacy/file/{other.pk}-{rest}"

    answers = [
        client.get(path)
        for path in (forged, mine[:-1], f"{mine}x", "/privacy/file/1", "/privacy/file/")
    ]

    assert number == str(file.pk)
    assert [answer.status_code for answer in answers] == [404] * 5
    assert "There is no such file" in answers[0].text
    assert client.get(theirs).status_code == 200


def test_export_contact_writes_the_file_and_prints_its_rows(tmp_path):
    contact = make_contact(first_name=MINE)
    path, out = tmp_path / "ada.zip", StringIO()

    call_command("export_contact", str(contact.guid), str(path), stdout=out)

    told = json.loads(out.getvalue())
    file = Zip(path.read_bytes())
    assert told == {"tables": {name: len(file.rows(name)) for name in file.data["tables"]}}
    assert told["tables"]["contact"] == 1
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(CommandError, match="is there already"):
        call_command("export_contact", str(contact.guid), str(path))
    assert Zip(path.read_bytes()).data == file.data


@pytest.mark.parametrize(
    ("guid", "said"),
    [
        ("moon", "“moon” is no GUID."),
        (
            "5f0c9a3e-0000-4000-8000-000000000000",
            "There is no contact with the GUID 5f0c9a3e-0000-4000-8000-000000000000.",
        ),
    ],
)
def test_export_contact_says_in_one_line_whom_it_does_not_know(tmp_path, guid, said):
    with pytest.raises(CommandError) as error:
        call_command("export_contact", guid, str(tmp_path / "file.zip"))

    assert str(error.value) == said
    assert not (tmp_path / "file.zip").exists()


def test_nobody_asks_for_a_file_about_somebody_erased():
    contact = make_contact()
    erase_contact(contact.pk)

    with pytest.raises(Contact.DoesNotExist):
        make_access_file(contact, "access")
    with pytest.raises(Contact.DoesNotExist):
        lock_live(contact.pk)
