"""A destination is deleted: at once for everybody, and its deliveries by workers, in portions."""

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction

from adminsite.models import AuditEntry
from destinations import deleting
from destinations.control import send_again, send_again_since
from destinations.deleting import delete_destination, delete_portions
from destinations.finding import find_destination
from destinations.jobs import DELETIONS, DELIVERIES
from destinations.leaving import what_left_about
from destinations.models import Delivery, Destination, Queue
from destinations.serving import finish
from jobs.working import work_off
from tests.config.hub import wait_until
from tests.destinations.delivering import (
    deliver,
    make_deliveries,
    make_delivery,
    make_destination,
    pass_time,
    statuses,
)
from tests.destinations.desk import LIST_URL, LOG_URL
from tests.destinations.receiver import after, receiver
from tests.factories import make_contact

pytestmark = pytest.mark.usefixtures("loopback")

every_destination = Destination._base_manager


@pytest.fixture
def portions_of_two(monkeypatch):
    monkeypatch.setattr(deleting, "_PORTION", 2)


@pytest.mark.django_db
def test_confirming_leaves_the_deliveries_to_a_worker(admin_client):
    crm, other = make_destination(name="CRM"), make_destination()
    make_deliveries(crm, 3)
    make_delivery(other)

    answer = admin_client.post(f"{LIST_URL}{crm.pk}/delete/", {"post": "yes"}, follow=True).text

    assert "The destination “CRM” was deleted successfully." in answer
    assert list(Destination.objects.all()) == [other]
    assert admin_client.get(f"{LIST_URL}{crm.pk}/change/").status_code == 302
    assert admin_client.get(LOG_URL).text.count("CRM (deleted)") == 3
    assert Delivery.objects.count() == 4

    work_off(DELETIONS)

    assert list(every_destination.all()) == [other]
    assert [one.destination for one in Delivery.objects.all()] == [other]


@pytest.mark.django_db
def test_the_audit_log_says_who_has_deleted_it(admin_client):
    crm = make_destination()

    admin_client.post(f"{LIST_URL}{crm.pk}/delete/", {"post": "yes"})
    work_off(DELETIONS)

    asked, done = AuditEntry.objects.filter(object_id=crm.pk).order_by("-pk")[:2][::-1]
    assert (asked.user, asked.action) == (User.objects.get(username="admin"), "changed")
    assert asked.after.keys() == {"enabled", "deleted_at"}
    assert (done.user, done.action, done.before["code_name"]) == (None, "deleted", crm.code_name)


@pytest.mark.django_db
def test_confirming_writes_no_delivery(admin_client):
    destination = make_destination()
    make_deliveries(destination, 50)
    written = []

    def note(do, sql, params, is_many, context):
        result = do(sql, params, is_many, context)
        if sql.startswith(("INSERT", "UPDATE", "DELETE")):
            written.append(context["cursor"].rowcount)
        return result

    with connection.execute_wrapper(note):
        admin_client.post(f"{LIST_URL}{destination.pk}/delete/", {"post": "yes"})

    assert max(written) == 1


@pytest.mark.django_db
def test_another_one_may_have_its_code_name_at_once():
    crm = make_destination(code_name="crm")
    make_delivery(crm)
    delete_destination(crm)

    new = make_destination(code_name="CRM")

    assert find_destination("crm") == new
    with pytest.raises(IntegrityError, match="one_destination_per_code_name"), transaction.atomic():
        Destination.objects.create(code_name="Crm", name="Crm")
    make_delivery(new)
    work_off(DELETIONS)
    assert statuses(new) == ["waiting"]


@pytest.mark.django_db
def test_nothing_goes_out_to_a_deleted_destination():
    with receiver() as crm:
        destination = make_destination(crm.url)
        delivery = make_delivery(destination)
        delete_destination(destination)

        deliver()
        assert send_again([delivery.pk]) == 0
        assert send_again_since(destination, delivery.created_at) == 0
        deliver()

    assert crm.got == []
    assert not Queue.objects.get().has_work


@pytest.mark.django_db
def test_a_delivery_of_a_deleted_destination_is_not_offered_to_be_sent(admin_client):
    delivery = make_delivery(make_destination())
    url = f"{LOG_URL}{delivery.pk}/change/"
    again = f"{LOG_URL}{delivery.pk}/again/"
    assert again in admin_client.get(url).text

    delete_destination(delivery.destination)

    assert again not in admin_client.get(url).text


@pytest.mark.django_db
def test_a_deleted_destination_is_off():
    destination = make_destination()
    delete_destination(destination)

    with pytest.raises(IntegrityError, match="a_deleted_destination_is_off"):
        every_destination.update(enabled=True)


@pytest.mark.django_db
def test_what_left_is_told_until_its_deliveries_are_gone():
    contact, destination = make_contact(), make_destination(name="CRM")
    make_delivery(destination, contact=contact, attempted_at=destination.created_at)
    delete_destination(destination)

    (left,) = what_left_about([contact.pk])
    assert (str(left.destination), left.count) == ("CRM (deleted)", 1)
    work_off(DELETIONS)

    assert what_left_about([contact.pk]) == []


@pytest.mark.django_db
@pytest.mark.usefixtures("portions_of_two")
def test_a_worker_goes_on_where_another_one_died(monkeypatch):
    destination, other = make_destination(), make_destination()
    make_deliveries(destination, 5)
    make_delivery(other)
    delete_destination(destination)

    delete_portions([destination.pk])
    assert len(statuses(destination)) == 3
    Queue.objects.filter(pk=destination.pk).update(due_at=destination.created_at)
    with monkeypatch.context() as patched:
        patched.setattr(deleting, "Among", None)
        work_off(DELETIONS)
    failed = Queue.objects.get(pk=destination.pk)
    assert (failed.attempts, len(statuses(destination))) == (1, 3)
    pass_time(minutes=1)
    work_off(DELETIONS)

    assert list(every_destination.all()) == [other]
    assert Delivery.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_destination_that_is_deleted_while_deliveries_go_out_gets_nothing_more():
    with receiver(after(0.05)) as crm:
        destination = make_destination(crm.url)
        make_deliveries(destination, 400)
        try:
            assert work_off(DELIVERIES)
            wait_until(lambda: len(crm.got) > 20)
            delete_destination(destination)
            work_off(DELETIONS)
        finally:
            assert finish(10)

        assert len(crm.got) < 400
    assert not every_destination.exists()
    assert not Delivery.objects.exists()


@pytest.mark.django_db
def test_what_is_added_by_who_found_it_before_goes_with_it():
    destination = make_destination()
    delete_destination(destination)

    make_delivery(destination)
    work_off(DELETIONS)

    assert not every_destination.exists()
    assert not Delivery.objects.exists()
