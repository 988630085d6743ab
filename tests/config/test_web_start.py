"""A web process or a worker that is started by itself erases again before it does anything."""

import pytest
from celery.signals import worker_init
from django.db import OperationalError, ProgrammingError

from config import web_start
from config.celery import erase_again_first
from config.web_start import ERASED_AGAIN, do_without_database, erase_again_before_serving
from contacts.models import Contact
from database import reserved
from privacy.erasing_again import erase_again
from privacy.erasure_file import FileFault, starting
from tests.config.hub import wait_until
from tests.factories import make_contact
from tests.privacy.proofs import erase, go_back_to

pytestmark = pytest.mark.django_db


@pytest.fixture
def is_back():
    """Somebody whom a backup has brought back."""
    contact = make_contact()
    guid = contact.guid
    erase(contact)
    go_back_to(0)
    make_contact(guid=guid)


@pytest.fixture
def fails(monkeypatch):
    """Erasing again fails as often as it has errors, and then works."""
    errors = []

    def fail_first(say):
        if errors:
            raise errors.pop(0)
        return erase_again(say)

    monkeypatch.setattr(web_start, "erase_again", fail_first)
    monkeypatch.setattr(web_start, "_SECONDS_BETWEEN_ATTEMPTS", 0)
    return errors


@pytest.mark.usefixtures("is_back")
def test_a_web_process_erases_again_and_says_so(capsys):
    assert erase_again_before_serving()

    assert not Contact.objects.exists()
    assert "Erased again: 1 person." in capsys.readouterr().err


@pytest.mark.usefixtures("is_back")
def test_a_web_process_of_serve_leaves_that_to_it(monkeypatch):
    monkeypatch.setenv(ERASED_AGAIN, "1")

    assert erase_again_before_serving()

    assert Contact.objects.count() == 1


@pytest.mark.usefixtures("is_back")
def test_a_web_process_ends_if_erasures_cannot_be_matched(settings):
    settings.ERASURE_KEY = "the key of another hub, which is long enough, too"

    with pytest.raises(SystemExit) as ended:
        erase_again_before_serving()

    assert "under another ERASURE_KEY" in str(ended.value)


@pytest.mark.usefixtures("is_back")
def test_a_worker_erases_again_before_it_takes_up_work(capsys):
    assert erase_again_first in [one() for _, one in worker_init.receivers]

    erase_again_first(signal=worker_init, sender=None)

    assert not Contact.objects.exists()
    assert "Erased again: 1 person." in capsys.readouterr().err


@pytest.mark.usefixtures("is_back")
def test_a_worker_does_not_start_if_erasures_cannot_be_matched(settings):
    settings.ERASURE_KEY = "the key of another hub, which is long enough, too"

    with pytest.raises(SystemExit, match="under another ERASURE_KEY"):
        worker_init.send(sender=None)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("is_back")
def test_a_worker_waits_for_the_database_and_says_once_what_was_not_done(fails, caplog):
    fails += [OperationalError("a secret"), OperationalError("a secret"), ProgrammingError()]

    worker_init.send(sender=None)

    assert not Contact.objects.exists()
    ours = [one.message for one in caplog.records if one.name == "config.web_start"]
    assert ours == [
        "Nobody was looked for in the file of erasures yet: OperationalError.",
        "Nobody was looked for in the file of erasures yet: ProgrammingError.",
    ]


def test_a_worker_does_not_start_if_erasing_again_has_a_fault(fails):
    fails.append(ValueError("a fault"))

    with pytest.raises(SystemExit, match="The worker does not start"):
        worker_init.send(sender=None)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("is_back")
def test_a_web_process_does_without_a_database_until_it_has_erased_again(fails, capsys):
    fails += [OperationalError("no server")]
    assert not erase_again_before_serving()
    with starting():  # as long as another process looks
        do_without_database()
        with pytest.raises(OperationalError, match="before erased people were looked for"):
            Contact.objects.exists()

    wait_until(lambda: "The hub serves." in capsys.readouterr().err)
    assert not Contact.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fault", [FileFault("a file of others"), ValueError("a fault")])
def test_a_web_process_ends_if_it_cannot_erase_again_later(fails, fault, monkeypatch):
    ended = []
    monkeypatch.setattr(web_start, "_end", ended.append)
    fails += [OperationalError("no server"), fault]
    assert not erase_again_before_serving()
    try:
        do_without_database()
        wait_until(lambda: ended)

        with pytest.raises(OperationalError):
            Contact.objects.exists()
    finally:
        reserved.open_to_all()
    assert ended == ["a file of others" if isinstance(fault, FileFault) else "The process ends."]
