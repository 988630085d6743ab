"""A user who edits users or groups gives nobody, and so not themselves, more than they have."""

import pytest
from django.contrib.auth.models import Group, Permission, User

from adminsite.formatting import change_url
from adminsite.rights import groups_within_rights_of, has_more_rights

pytestmark = pytest.mark.django_db

EDITOR = ("view_user", "add_user", "change_user", "delete_user", "view_contact")
GROUP_EDITOR = ("view_group", "add_group", "change_group", "delete_group", "view_contact")
PASSWORD = "Sufficiently-long-1"


def make_user(name="other", *permissions, **fields):
    user = User.objects.create(username=name, is_staff=True, **fields)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def make_group(name, *permissions):
    group = Group.objects.create(name=name)
    group.permissions.set(Permission.objects.filter(codename__in=permissions))
    return group


def permission(codename):
    return Permission.objects.get(codename=codename)


def form(user, **fields):
    return {
        "username": user.username,
        "date_joined_0": "2026-01-01",
        "date_joined_1": "00:00:00",
        "is_staff": "on",
        "is_active": "on",
        **fields,
    }


def rights(user):
    user = User.objects.get(pk=user.pk)
    names = set(Permission.objects.filter(user=user).values_list("codename", flat=True))
    return user.is_superuser, names, set(user.groups.values_list("name", flat=True))


@pytest.mark.parametrize("whom", ["themselves", "another"])
def test_a_user_makes_nobody_a_superuser(log_in, whom):
    other = make_user()
    client = log_in(*EDITOR)
    user = other if whom == "another" else User.objects.get(username="reader")
    before = rights(user)

    client.post(change_url(user), form(user, is_superuser="on"))

    assert rights(user)[0] is before[0] is False


def test_a_user_gives_only_permissions_that_they_have(log_in):
    other = make_user()
    client = log_in(*EDITOR)

    refused = client.post(
        change_url(other), form(other, user_permissions=[permission("change_contact").pk])
    )
    client.post(change_url(other), form(other, user_permissions=[permission("view_contact").pk]))

    assert refused.status_code == 200
    assert "is not one of the available choices" in refused.text
    assert rights(other) == (False, {"view_contact"}, set())


def test_a_user_gives_only_groups_that_have_no_more_rights_than_they(log_in):
    other = make_user()
    within, beyond = make_group("Readers", "view_contact"), make_group("Admins", "add_contact")
    client = log_in(*EDITOR)

    refused = client.post(change_url(other), form(other, groups=[beyond.pk]))
    client.post(change_url(other), form(other, groups=[within.pk]))

    assert "is not one of the available choices" in refused.text
    assert rights(other) == (False, set(), {"Readers"})


def test_a_user_changes_their_name_but_not_their_own_rights(log_in):
    client = log_in(*EDITOR)
    user = User.objects.get(username="reader")
    group = make_group("Readers", "view_contact")
    before = rights(user)

    given = form(user, first_name="Ada", groups=[group.pk], is_superuser="on", user_permissions=[])
    client.post(change_url(user), given)

    user.refresh_from_db()
    assert user.first_name == "Ada"
    assert rights(user) == before


@pytest.mark.parametrize(
    "fields", [{"is_superuser": True}, {"is_superuser": True, "is_active": False}, {}]
)
def test_users_with_more_rights_can_be_looked_at_only(log_in, fields):
    other = make_user("chief", "delete_apikey", **fields)
    client = log_in(*EDITOR)
    password = f"/admin/auth/user/{other.pk}/password/"
    new = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}

    assert client.get(change_url(other)).status_code == 200
    assert client.post(change_url(other), form(other, email="me@example.com")).status_code == 403
    assert client.post(password, new).status_code == 403
    delete = f"/admin/auth/user/{other.pk}/delete/"
    assert client.post(delete, {"post": "yes"}).status_code == 403
    other.refresh_from_db()
    assert (other.email, other.password) == ("", "")


def test_rights_by_a_group_count_too(log_in):
    other = make_user("chief")
    other.groups.add(make_group("Admins", "delete_apikey"))
    client = log_in(*EDITOR)

    assert client.post(change_url(other), form(other, email="a@example.com")).status_code == 403


def test_a_user_may_edit_users_with_the_same_rights(log_in):
    other = make_user("peer", "view_contact")
    client = log_in(*EDITOR)

    client.post(change_url(other), form(other, email="peer@example.com", user_permissions=[]))

    other.refresh_from_db()
    assert other.email == "peer@example.com"
    assert rights(other) == (False, set(), set())


def test_a_superuser_may_do_all_of_it(admin_client):
    other = make_user("peer")
    group = make_group("Admins", "add_contact")

    given = form(other, is_superuser="on", groups=[group.pk])
    given["user_permissions"] = [permission("change_contact").pk]
    admin_client.post(change_url(other), given)

    assert rights(other) == (True, {"change_contact"}, {"Admins"})


def test_a_group_gets_only_permissions_that_its_editor_has(log_in):
    group = make_group("Readers", "view_contact")
    client = log_in(*GROUP_EDITOR)

    refused = client.post(
        change_url(group), {"name": "Mine", "permissions": [permission("change_contact").pk]}
    )
    added = client.post(
        "/admin/auth/group/add/", {"name": "New", "permissions": [permission("add_contact").pk]}
    )

    assert "is not one of the available choices" in refused.text
    assert "is not one of the available choices" in added.text
    assert list(group.permissions.values_list("codename", flat=True)) == ["view_contact"]


def test_groups_with_more_rights_can_be_looked_at_only(log_in):
    group = make_group("Admins", "add_contact")
    client = log_in(*GROUP_EDITOR)

    assert client.get(change_url(group)).status_code == 200
    assert client.post(change_url(group), {"name": "Mine"}).status_code == 403
    delete = f"/admin/auth/group/{group.pk}/delete/"
    assert client.post(delete, {"post": "yes"}).status_code == 403


def test_rights_are_compared_by_what_is_granted():
    one, other = make_user("one", "view_contact"), make_user("other", "view_contact", "add_user")
    chief = make_user("chief", is_superuser=True)

    assert has_more_rights(other, one)
    assert not has_more_rights(one, other)
    assert has_more_rights(chief, other)
    assert not has_more_rights(chief, chief)
    assert list(groups_within_rights_of(one)) == []
