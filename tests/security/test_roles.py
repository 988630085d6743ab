"""The table of roles is whole, groups follow it, and users are made with a role."""

import io
import json

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Group, Permission, User
from django.core.management import CommandError, call_command
from django.test import Client

from adminsite.formatting import change_url
from adminsite.roles import all_roles, give_roles, roles_of
from channels.models import Channel
from config.roles import NOBODYS, OPERATOR, RIGHTS, ROLES, codenames, keep_roles
from tests.admin.pages import form_on
from tests.factories import make_channel

pytestmark = pytest.mark.django_db

PASSWORD = "Sufficiently-long-1"


def own_models():
    """The models of the hub's own apps."""
    return {
        model._meta.label_lower
        for model in apps.get_models()
        if model.__module__.partition(".")[0] in {app.parent.name for app in own_apps()}
    }


def own_apps():
    return settings.BASE_DIR.glob("*/apps.py")


def make_user(*arguments, stdin="", monkeypatch=None, **options):
    out = io.StringIO()
    if monkeypatch:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
    call_command("make_user", *arguments, stdout=out, stderr=io.StringIO(), **options)
    return json.loads(out.getvalue())


def permissions_of(group):
    return {
        f"{one.content_type.app_label}.{one.codename}"
        for one in group.permissions.select_related("content_type")
    }


def test_every_model_is_in_the_table_or_nobodys():
    assert own_models() <= RIGHTS.keys() | NOBODYS
    assert not RIGHTS.keys() & NOBODYS
    assert {model for model in (*RIGHTS, *NOBODYS) if not apps.get_model(model)} == set()


def test_the_table_names_permissions_and_roles_that_exist():
    names = set(Permission.objects.values_list("content_type__app_label", "codename"))
    named = {
        (model.partition(".")[0], codename)
        for model, by_role in RIGHTS.items()
        for role in by_role
        for codename in codenames(role, model)
    }

    assert named <= names
    assert {role for by_role in RIGHTS.values() for role in by_role} <= {one.code for one in ROLES}


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.code)
def test_a_role_has_what_the_table_says_and_nothing_else(role):
    has = permissions_of(Group.objects.get(name=role.name))

    apps_of_table = {model.partition(".")[0] for model in (*RIGHTS, *NOBODYS)}
    everything = {
        f"{one.content_type.app_label}.{one.codename}"
        for one in Permission.objects.select_related("content_type")
        if one.content_type.app_label in apps_of_table
    }
    named = {
        f"{model.partition('.')[0]}.{codename}"
        for model in RIGHTS
        for codename in codenames(role.code, model)
    }
    assert has == (everything if role.code == OPERATOR else named)


def test_developers_see_no_contacts_and_marketers_no_keys():
    by_code = {role.code: permissions_of(Group.objects.get(name=role.name)) for role in ROLES}

    assert {code for code, has in by_code.items() if "contacts.view_contact" in has} == {
        *("marketer", "dpo", "operator")
    }
    assert {code for code, has in by_code.items() if "channels.view_apikey" in has} == {
        *("developer", "operator")
    }
    assert {code for code, has in by_code.items() if "auth.view_user" in has} == {"operator"}


def test_a_role_is_repaired_after_a_migration_and_other_groups_stay():
    marketer, own = Group.objects.get(name="Marketer"), Group.objects.create(name="Interns")
    before = permissions_of(marketer)
    wrong = Permission.objects.get(codename="view_channel")
    marketer.permissions.set([wrong])
    own.permissions.set([wrong])
    Group.objects.get(name="Developer").delete()

    for config in apps.get_app_configs():
        keep_roles(config)

    assert permissions_of(marketer) == before
    assert permissions_of(own) == {"channels.view_channel"}
    assert "channels.view_channel" in permissions_of(Group.objects.get(name="Developer"))


@pytest.mark.parametrize("role", [role.code for role in ROLES])
def test_a_user_is_made_with_a_role_and_may_log_in(role):
    assert make_user("mia", role=role, password=PASSWORD) == {"user": "mia"}

    user = User.objects.get(username="mia")
    assert [one.code for one in roles_of(user)] == [role]
    assert (user.is_staff, user.is_superuser) == (True, False)
    answer = Client().post("/admin/login/", {"username": "mia", "password": PASSWORD})
    assert answer.headers["Location"] == "/admin/"


def test_a_password_is_read_from_stdin(monkeypatch):
    make_user("mia", role="dpo", password="-", stdin=f"{PASSWORD}\n", monkeypatch=monkeypatch)

    assert User.objects.get(username="mia").check_password(PASSWORD)


@pytest.mark.parametrize(
    ("name", "role", "password", "said"),
    [
        ("mia", "king", PASSWORD, "There is no role 'king'. Give one of: marketer, developer, dpo"),
        ("mia", "", PASSWORD, "There is no role ''."),
        ("", "dpo", PASSWORD, "Give the name of the user."),
        ("mia", "dpo", "", "Give a password"),
        ("mia", "dpo", "x" * 1001, "at most 1,000 characters"),
        ("mia", "dpo", "a\0b", "no NUL"),
        ("mia ada", "dpo", PASSWORD, "Enter a valid username."),
        ("mia\n", "dpo", PASSWORD, "Enter a valid username."),
        ("m" * 151, "dpo", PASSWORD, "more than 150 characters"),
        ("taken", "dpo", PASSWORD, "There is a user 'taken' already."),
    ],
)
def test_bad_input_makes_no_user_and_is_said_in_one_line(name, role, password, said):
    User.objects.create(username="taken")

    with pytest.raises(CommandError) as caught:
        make_user(name, role=role, password=password)

    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert User.objects.count() == 1


def test_a_weak_password_is_told_and_taken(capsys):
    error = io.StringIO()
    call_command(
        "make_user", "mia", role="dpo", password="short", stdout=io.StringIO(), stderr=error
    )

    assert "too short" in error.getvalue()
    assert User.objects.get(username="mia").check_password("short")


def test_the_form_gives_roles_by_one_click(admin_client):
    page = admin_client.get("/admin/auth/user/add/")
    for role in all_roles():
        assert role.name in page.text
        assert role.may in page.text

    admin_client.post(
        "/admin/auth/user/add/",
        {
            **{"username": "mia", "usable_password": "true", "roles": ["marketer", "dpo"]},
            **{"password1": PASSWORD, "password2": PASSWORD},
        },
    )

    mia = User.objects.get(username="mia")
    assert mia.is_staff
    assert [one.code for one in roles_of(mia)] == ["marketer", "dpo"]
    assert mia.user_permissions.count() == 0


def test_changing_a_user_keeps_other_groups_and_takes_roles_away(admin_client):
    mia = User.objects.create(username="mia", is_staff=True)
    own = Group.objects.create(name="Interns")
    mia.groups.add(own)
    give_roles(mia, ["marketer", "dpo"])
    form = {
        **{"username": "mia", "is_active": "on", "is_staff": "on", "groups": [own.pk]},
        **{"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00", "roles": ["developer"]},
    }

    page = admin_client.get(change_url(mia))
    assert page.text.count("checked") >= 2
    admin_client.post(change_url(mia), form)

    assert set(mia.groups.values_list("name", flat=True)) == {"Interns", "Developer"}


def test_a_role_itself_is_looked_at_only_also_by_superusers(admin_client):
    role = Group.objects.get(name="Marketer")
    before = permissions_of(role)

    assert admin_client.get(change_url(role)).status_code == 200
    assert admin_client.post(change_url(role), {"name": "Mine"}).status_code == 403
    assert admin_client.post(f"/admin/auth/group/{role.pk}/delete/").status_code == 403
    assert permissions_of(role) == before


def test_operators_give_every_role_and_others_none(client):
    chief = User.objects.create(username="chief", is_staff=True)
    give_roles(chief, ["operator"])
    client.force_login(chief)

    page = client.get("/admin/auth/user/add/")

    assert [value for value, _ in page.context["adminform"].form.fields["roles"].choices] == [
        *("marketer", "developer", "dpo", "operator")
    ]


def test_nobody_gives_a_role_with_more_rights_than_they_have(log_in):
    client = log_in("view_user", "add_user", "change_user")
    other = User.objects.create(username="other", is_staff=True)
    me = User.objects.get(username="reader")
    form = {
        **{"username": "other", "is_active": "on", "is_staff": "on", "roles": ["operator"]},
        **{"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"},
    }

    refused = client.post(change_url(other), form)
    client.post(change_url(me), {**form, "username": "reader"})

    assert "Select a valid choice" in refused.text
    assert roles_of(other) == roles_of(User.objects.get(pk=me.pk)) == []


def test_a_role_that_is_taken_away_while_a_page_is_open_saves_nothing(client):
    mia = User.objects.create(username="mia", is_staff=True)
    give_roles(mia, ["developer"])
    client.force_login(mia)
    channel = make_channel(name="App")
    url = change_url(channel)
    form = form_on(client.get(url)) | {"name": "Changed"}

    give_roles(mia, ["marketer"])
    answer = client.post(url, form)

    assert answer.status_code == 403
    assert Channel.objects.get(pk=channel.pk).name == "App"
