"""Something is done to all contacts that a filter finds, by a worker."""

import pytest
from django.contrib.auth.models import Permission, User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from adminsite import navigation
from adminsite.formatting import change_url, changelist_url
from contacts.models import Contact, ContactTag
from groups.models import ContactGroup, Membership, MembershipEvent
from jobs import acting, bulk
from jobs.acting import ask_for_bulk_action
from jobs.bulk import BulkKind, CannotGoOn, Outcome, kind_named, register_bulk_action
from jobs.jobs import BULK_ACTIONS
from jobs.models import BulkAction
from jobs.working import work_off
from tests.factories import make_activity, make_contact, make_group

pytestmark = pytest.mark.django_db

ADD = "/admin/jobs/bulkaction/start/contacts.contact/add-to-group/"
REMOVE = "/admin/jobs/bulkaction/start/contacts.contact/take-out-of-group/"
MAY = ("view_contact", "change_contactgroup")


@pytest.fixture
def austrians():
    make_contact(country="DEU")
    return [make_contact(country="AUT") for _ in range(5)]


@pytest.fixture
def group():
    return make_group("newsletter", name="Newsletter")


@pytest.fixture
def noted():
    """An action that notes the rows that it gets, for tests alone."""
    portions = []

    def do(ids, options, by):
        portions.append(list(ids))
        if options.get("fails"):
            raise RuntimeError("broken")
        if options.get("ends"):
            raise CannotGoOn("It ends here.")
        return Outcome(len(ids) - 1, {ids[0]: "The first cannot be <b>done</b>."})

    kind = BulkKind(name="note", title="Note", icon="edit", may=lambda user: True, do=do)
    register_bulk_action(Contact, kind)
    yield portions
    del bulk._kinds[Contact]["note"]
    navigation._links[Contact].pop()


def members(group):
    return set(Membership.objects.filter(group=group).values_list("contact", flat=True))


def work():
    BulkAction.objects.update(due_at=Now())
    work_off(BULK_ACTIONS)


def ask(by, *, kind="note", query="country=AUT", **options):
    return ask_for_bulk_action(
        Contact, kind_named(Contact, kind), query=query, options=options, by=by
    )


def test_all_that_a_filter_finds_come_into_a_group(admin_client, admin_user, austrians, group):
    listed = admin_client.get(changelist_url(Contact), {"country": "AUT", "p": "1"})
    links = {one["title"]: one["url"] for one in listed.context["links_for_all_found"]}
    assert links["Add to a group"] == f"{ADD}?country=AUT"
    form = admin_client.get(links["Add to a group"])
    assert "from Austria" in form.text

    page = admin_client.post(links["Add to a group"], {"group": group.pk}, follow=True)

    action = BulkAction.objects.get()
    assert page.redirect_chain[-1][0] == change_url(action)
    assert "Add to the group “Newsletter”" in page.text
    assert "hx-get" in page.text
    work()
    action.refresh_from_db()
    assert (action.status, action.found, action.changed, action.failed) == ("done", 5, 5, 0)
    assert members(group) == {one.pk for one in austrians}
    event = MembershipEvent.objects.first()
    assert (event.cause, event.by) == ("user", admin_user)
    assert "hx-get" not in admin_client.get(f"/admin/jobs/bulkaction/{action.pk}/progress/").text


def test_all_that_a_filter_finds_go_out_of_a_group(admin_client, austrians, group):
    german = Contact.objects.get(country="DEU")
    Membership.objects.create(group=group, contact=german)
    Membership.objects.create(group=group, contact=austrians[0])

    admin_client.post(f"{REMOVE}?country=AUT", {"group": group.pk})
    work()

    assert members(group) == {german.pk}
    action = BulkAction.objects.get()
    assert (action.found, action.changed) == (5, 1)


def test_filters_that_look_at_each_row_are_asked_as_well(admin_user, austrians, noted):
    make_activity(austrians[1], url="https://example.com/loans")
    make_activity(austrians[3], url="https://example.com/loans")

    ask(admin_user, query="country=AUT&url=loans")
    work()

    assert noted == [[austrians[1].pk, austrians[3].pk]]


def test_rows_come_in_portions_each_once_and_failures_are_told(
    admin_client, admin_user, austrians, noted, monkeypatch
):
    monkeypatch.setattr(acting, "_MOST_ROWS", 2)
    action = ask(admin_user)
    late = make_contact(country="AUT")

    work()

    ids = [one.pk for one in austrians]
    assert noted == [ids[:2], ids[2:4], ids[4:]]
    assert late.pk not in ids
    action.refresh_from_db()
    assert (action.status, action.found, action.changed, action.failed) == ("done", 5, 2, 3)
    page = admin_client.get(change_url(action)).text
    assert "The first cannot be &lt;b&gt;done&lt;/b&gt;." in page
    assert change_url(austrians[0]) in page


def test_a_portion_that_fails_is_tried_again_and_nothing_of_it_is_counted(
    admin_user, austrians, noted, monkeypatch
):
    monkeypatch.setattr(acting, "_MOST_ROWS", 2)
    action = ask(admin_user, fails=True)

    work()

    action.refresh_from_db()
    assert (action.status, action.attempts, action.found, action.last_row) == ("waiting", 1, 0, 0)
    assert action.last_error == "RuntimeError: broken"
    BulkAction.objects.update(options={})
    work()
    action.refresh_from_db()
    assert (action.status, action.found, action.attempts, action.last_error) == ("done", 5, 0, "")


def test_a_worker_goes_on_where_another_died(admin_user, austrians, noted, monkeypatch):
    monkeypatch.setattr(acting, "_MOST_ROWS", 2)
    action = ask(admin_user)
    acting.go_on([action.pk])  # one portion is committed; then the worker is gone

    work()

    assert noted[0] == [one.pk for one in austrians[:2]]
    assert [one for portion in noted for one in portion] == [one.pk for one in austrians]


def test_it_is_cancelled(admin_client, admin_user, austrians, noted, monkeypatch):
    monkeypatch.setattr(acting, "_MOST_ROWS", 2)
    action = ask(admin_user)
    acting.go_on([action.pk])

    page = admin_client.post(f"/admin/jobs/bulkaction/{action.pk}/cancel/", follow=True)
    work()

    assert "Cancelled. What was done by then stays." in page.text
    action.refresh_from_db()
    assert (action.status, action.found) == ("cancelled", 2)
    again = admin_client.post(f"/admin/jobs/bulkaction/{action.pk}/cancel/", follow=True)
    assert "It was over already." in again.text


def test_what_cannot_go_on_stops_and_says_why(admin_client, admin_user, austrians, noted):
    action = ask(admin_user, ends=True)

    work()

    action.refresh_from_db()
    assert (action.status, action.reason) == ("stopped", "It ends here.")
    assert "It stopped: It ends here." in admin_client.get(change_url(action)).text


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("group", "The group “Newsletter” was deleted."),
        ("rule", "Newsletter is a dynamic group: its rule decides who is in it."),
        ("permission", "The user who asked for it may not do this any more."),
        ("contacts", "The user who asked for it may not do this any more."),
        ("user", "Who asked for it is gone."),
        ("inactive", "The user who asked for it may not do this any more."),
    ],
)
def test_what_changed_meanwhile_stops_it(log_in, austrians, group, change, reason):
    client = log_in(*MAY)
    user = User.objects.get(username="reader")
    client.post(f"{ADD}?country=AUT", {"group": group.pk})
    match change:
        case "group":
            group.delete()
        case "rule":
            ContactGroup.objects.update(static=False)
        case "permission":
            user.user_permissions.set(Permission.objects.filter(codename="view_contact"))
        case "contacts":
            user.user_permissions.set(Permission.objects.filter(codename="change_contactgroup"))
        case "user":
            user.delete()
        case "inactive":
            User.objects.update(is_active=False)

    work()

    action = BulkAction.objects.get()
    assert (action.status, action.reason) == ("stopped", reason)
    assert not Membership.objects.exists()


@pytest.mark.parametrize("missing", MAY)
def test_who_may_not_do_it_is_refused(log_in, austrians, group, missing):
    client = log_in(*(name for name in MAY if name != missing))

    assert client.get(f"{ADD}?country=AUT").status_code == 403
    assert client.post(f"{ADD}?country=AUT", {"group": group.pk}).status_code == 403
    assert not BulkAction.objects.exists()


def test_users_see_their_own_actions_alone(log_in, admin_user, austrians, noted):
    action = ask(admin_user)
    client = log_in(*MAY)

    assert client.get("/admin/jobs/bulkaction/").context["cl"].result_count == 0
    assert client.get(f"/admin/jobs/bulkaction/{action.pk}/progress/").status_code == 404
    assert client.post(f"/admin/jobs/bulkaction/{action.pk}/cancel/").status_code == 404


def test_who_sees_the_work_of_the_hub_sees_what_they_may_do_themselves(
    log_in, admin_user, austrians, group, noted
):
    ask(admin_user)
    added = ask(admin_user, kind="add-to-group", group=group.pk, name=group.name)
    client = log_in("view_contact", "view_chore", "view_bulkaction")

    listed = client.get("/admin/jobs/bulkaction/").context["cl"].result_list
    assert [row.kind for row in listed] == ["note"]
    assert client.post(f"/admin/jobs/bulkaction/{added.pk}/cancel/").status_code == 404


@pytest.mark.parametrize("query", ["", "p=2", "o=1"])
def test_nothing_is_done_to_a_list_without_filters(admin_client, austrians, group, query):
    answer = admin_client.post(f"{ADD}?{query}", {"group": group.pk})

    assert answer.status_code == 200
    assert "Filter it first" in answer.text
    assert not BulkAction.objects.exists()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("start/contacts.contact/nothing/?country=AUT", 404),
        ("start/nothing.nothing/add-to-group/?country=AUT", 404),
        ("start/nothing/add-to-group/?country=AUT", 404),
        ("start/contacts.contact/add-to-group/?email__startswith=a", 403),
        ("start/contacts.contact/add-to-group/?url=%00", 403),
    ],
)
def test_addresses_that_nobody_offers(admin_client, path, status):
    assert admin_client.get(f"/admin/jobs/bulkaction/{path}").status_code == status


@pytest.mark.parametrize("given", ["", "x", "999999"])
def test_a_group_has_to_be_chosen(admin_client, austrians, group, given):
    make_group("dynamic", static=False)

    page = admin_client.post(f"{ADD}?country=AUT", {"group": given})

    assert page.status_code == 200
    assert not BulkAction.objects.exists()


def test_the_list_is_asked_whether_it_can_be_filtered_like_that(admin_user):
    with pytest.raises(ValidationError, match="may not use it"):
        ask(admin_user, kind="add-to-group", query="email__startswith=a", name="x", group=1)


def test_the_database_holds_what_an_action_is(admin_user, austrians, noted):
    action = ask(admin_user)

    for fields, rule in (
        ({"status": "done"}, "a_bulk_action_goes_on_until_it_is_finished"),
        ({"query": ""}, "a_bulk_action_is_for_what_filters_find"),
        ({"changed": 3}, "no_bulk_action_changes_more_than_it_finds"),
    ):
        with pytest.raises(IntegrityError, match=rule), transaction.atomic():
            BulkAction.objects.filter(pk=action.pk).update(**fields)


def test_all_that_were_found_get_a_tag(admin_client, austrians):
    url = "/admin/jobs/bulkaction/start/contacts.contact/tag/"

    refused = admin_client.post(f"{url}?country=AUT", {"name": " "})
    asked = admin_client.post(f"{url}?country=AUT", {"name": "  Very   important "})
    work_off(BULK_ACTIONS)

    assert refused.status_code == 200
    assert asked.status_code == 302
    tagged = ContactTag.objects.filter(tag__name="Very important")
    assert {one.contact_id for one in tagged} == {contact.pk for contact in austrians}
    assert BulkAction.objects.get().changed == 5


def test_who_may_not_change_contacts_gives_no_tags(log_in):
    client = log_in("view_contact")

    assert client.get("/admin/jobs/bulkaction/start/contacts.contact/tag/").status_code == 403
