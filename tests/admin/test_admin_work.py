"""Work in the admin: what could not be done is seen with its error, and tried again."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from activities.jobs import DATA_INPUTS
from activities.models import DataInput
from contacts.models import Contact
from jobs import admin as work_admin
from jobs.working import work_off
from tests.factories import make_activity, make_channel, make_contact

WORK = "/admin/jobs/chore/"
AGAIN = f"{WORK}try-again/"


@pytest.fixture
def failed(db):
    contact = make_contact()
    activity = make_activity(contact, channel=make_channel())
    data_input = DataInput.objects.create(
        contact=contact, activity=activity, fields={"city": "Bern", "country": "ger"}
    )
    work_off(DATA_INPUTS)
    data_input.refresh_from_db()
    assert data_input.attempts == 1
    return data_input


def test_what_failed_is_shown_with_its_error_and_a_way_to_it(admin_client, failed):
    page = admin_client.get(WORK).content.decode()

    assert "Data inputs that could not be done" in page
    assert "country_is_three_letters" in page
    assert f"/admin/activities/activity/{failed.activity_id}/change/" in page


def test_failed_row_is_tried_again_at_once(admin_client, failed, monkeypatch):
    rung = []
    monkeypatch.setattr(work_admin, "ring", rung.append)
    DataInput.objects.update(fields={"city": "Bern"})

    response = admin_client.post(AGAIN, {"job": "data inputs", "row": failed.pk}, follow=True)
    assert "A worker tries again in a moment." in response.content.decode()
    assert rung == ["data inputs"]
    work_off(DATA_INPUTS)

    failed.refresh_from_db()
    assert (failed.outcome, failed.last_error) == ("applied", "")
    assert Contact.objects.get().city == "Bern"


@pytest.mark.parametrize("row", ["", "0", "x", "9" * 30, "²"])
def test_rows_that_are_none_are_no_fault(admin_client, failed, row, monkeypatch):
    monkeypatch.setattr(work_admin, "ring", lambda name: None)
    before = failed.due_at

    response = admin_client.post(AGAIN, {"job": "data inputs", "row": row})

    failed.refresh_from_db()
    assert response.status_code == 302
    assert (failed.due_at < before) == (row == "")


def test_unknown_job_is_not_found(admin_client):
    assert admin_client.post(AGAIN, {"job": "nothing"}).status_code == 404


def test_page_of_the_activity_has_the_error(admin_client, failed):
    page = admin_client.get(f"/admin/activities/activity/{failed.activity_id}/change/")

    text = page.content.decode()
    assert "Could not be applied yet" in text
    assert "country_is_three_letters" in text


def test_dashboard_and_sidebar_say_that_something_failed(admin_client, failed):
    page = admin_client.get("/admin/").content.decode()

    assert "Could not be done" in page


def test_only_users_who_may_do_so_see_and_repeat(log_in, failed):
    client = log_in("view_chore")

    page = client.get(WORK).content.decode()
    assert "country_is_three_letters" in page
    assert "Try again" not in page
    assert f"/admin/activities/activity/{failed.activity_id}/change/" not in page
    assert client.post(AGAIN, {"job": "data inputs"}).status_code == 403


def test_list_takes_as_many_queries_with_one_row_as_with_three(admin_client, failed):
    admin_client.get(WORK)
    with CaptureQueriesContext(connection) as one:
        admin_client.get(WORK)
    for _ in range(2):
        contact = make_contact()
        activity = make_activity(contact, channel=failed.activity.channel)
        DataInput.objects.create(contact=contact, activity=activity, fields={}, attempts=1)
    with CaptureQueriesContext(connection) as three:
        admin_client.get(WORK)

    assert len(one) == len(three)
