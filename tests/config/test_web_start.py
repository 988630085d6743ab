"""A web process or a worker that is started by itself erases again before it does anything."""

import pytest
from celery.signals import worker_init
from django.db import OperationalError

from config import web_start
from config.celery import erase_again_before_working
from config.web_start import ERASED_AGAIN, erase_again_before_serving
from contacts.models import Contact
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


@pytest.mark.usefixtures("is_back")
def test_a_web_process_erases_again_and_says_so(capsys):
    erase_again_before_serving()

    assert not Contact.objects.exists()
    assert "Erased again: 1 person." in capsys.readouterr().err


@pytest.mark.usefixtures("is_back")
def test_a_web_process_of_serve_leaves_that_to_it(monkeypatch):
    monkeypatch.setenv(ERASED_AGAIN, "1")

    erase_again_before_serving()

    assert Contact.objects.count() == 1


@pytest.mark.usefixtures("is_back")
def test_a_web_process_ends_if_erasures_cannot_be_matched(settings):
    settings.ERASURE_KEY = "the key of another hub, which is long enough, too"

    with pytest.raises(SystemExit) as ended:
        erase_again_before_serving()

    assert "under another ERASURE_KEY" in str(ended.value)


@pytest.mark.usefixtures("is_back")
def test_a_worker_erases_again_before_it_takes_up_work(capsys):
    assert erase_again_before_working in [one() for _, one in worker_init.receivers]

    erase_again_before_working(signal=worker_init, sender=None)

    assert not Contact.objects.exists()
    assert "Erased again: 1 person." in capsys.readouterr().err


@pytest.mark.usefixtures("is_back")
def test_a_worker_does_not_start_if_erasures_cannot_be_matched(settings):
    settings.ERASURE_KEY = "the key of another hub, which is long enough, too"

    with pytest.raises(SystemExit, match="under another ERASURE_KEY"):
        worker_init.send(sender=None)


def test_a_web_process_without_a_database_starts_and_says_what_was_not_done(monkeypatch, caplog):
    def fail(say):
        raise OperationalError("a secret")

    monkeypatch.setattr(web_start, "erase_again", fail)

    erase_again_before_serving()

    assert caplog.messages == ["Nobody was looked for in the file of erasures: OperationalError."]
