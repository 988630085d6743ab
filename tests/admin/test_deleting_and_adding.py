"""Deleting is offered where it works only, and pages for adding say what they add."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.urls import reverse

from activities.models import ActivityType
from adminsite.deleting import ExplainedDeletionAdmin
from adminsite.formatting import change_url
from channels.models import Channel
from tests.admin.history import make_history
from tests.factories import make_activity, make_activity_type, make_channel

pytestmark = pytest.mark.django_db

EXPLAINED = [
    model for model, one in admin.site._registry.items() if isinstance(one, ExplainedDeletionAdmin)
]


def delete_url(row):
    return change_url(row).replace("/change/", "/delete/")


@pytest.mark.parametrize("model", EXPLAINED, ids=lambda model: model._meta.model_name)
def test_what_is_offered_to_be_deleted_can_be(admin_client, model):
    make_history()

    for row in model.objects.all():
        page = admin_client.get(change_url(row)).text
        answer = admin_client.get(delete_url(row))
        assert (delete_url(row) in page) == (answer.status_code == 200)


def test_a_page_says_what_keeps_its_row(admin_client):
    used, unused = make_channel(name="App"), make_channel()
    make_activity(channel=used)

    page = admin_client.get(change_url(used)).text

    assert "“App” cannot be deleted, because activities refer to it." in page
    assert delete_url(used) not in page
    assert delete_url(unused) in admin_client.get(change_url(unused)).text


def test_who_may_not_delete_is_told_nothing_of_what_uses_a_row(log_in):
    activity_type = make_activity_type()
    make_activity(type=activity_type)
    client = log_in("view_activitytype")

    assert client.get(delete_url(activity_type)).status_code == 403
    assert "cannot be deleted" not in client.get(change_url(activity_type)).text


def test_a_user_with_sessions_can_be_deleted(client):
    chief = User.objects.create_superuser("chief", password="Sufficiently-long-1")
    mia = User.objects.create_user("mia", password="Sufficiently-long-1", is_staff=True)
    client.post("/admin/login/", {"username": "mia", "password": "Sufficiently-long-1"})
    client.force_login(chief)

    assert "permission" not in client.get(delete_url(mia)).context["title"].lower()
    client.post(delete_url(mia), {"post": "yes"})

    assert not User.objects.filter(username="mia").exists()


ADDED = ("channel", "contact", "consent", "activitytype", "trackedsite", "user", "group")


@pytest.mark.parametrize("name", ADDED)
def test_pages_for_adding_have_a_title(admin_client, name):
    model = next(one for one in admin.site._registry if one._meta.model_name == name)
    meta = model._meta

    page = admin_client.get(reverse(f"admin:{meta.app_label}_{name}_add")).text
    listed = admin_client.get(reverse(f"admin:{meta.app_label}_{name}_changelist")).text

    head = page.partition("<h1")[2].partition("</h1>")[0]
    assert f"Add {meta.verbose_name}" in head
    assert f"Add {meta.verbose_name}" not in listed.partition("<h1")[2].partition("</h1>")[0]


def test_models_without_rows_that_use_them_ask_nothing():
    assert Channel in EXPLAINED
    assert ActivityType in EXPLAINED
