import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from adminsite.formatting import change_url, changelist_url
from contacts.models import ContactMerge
from tests.factories import make_contact

pytestmark = pytest.mark.django_db


def make_undecided():
    return ContactMerge.objects.create(
        survivor=make_contact(email="anna@example.com"),
        loser=make_contact(email="ann@example.com"),
        reason=ContactMerge.Reason.MARKETER,
        status=ContactMerge.Status.REVIEW,
    )


def decide(client, merge, answer):
    url = reverse("admin:contacts_contactmerge_decide", args=[merge.pk])
    return client.post(url, {answer: "1"}, follow=True)


def test_merge_anyway_approves(admin_client, admin_user):
    merge = make_undecided()

    response = decide(admin_client, merge, "approve")

    merge.refresh_from_db()
    assert "The contacts become one in a moment." in response.text
    assert (merge.status, merge.decided_by) == (ContactMerge.Status.PENDING, admin_user)


def test_keep_apart_dismisses(admin_client, admin_user):
    merge = make_undecided()

    decide(admin_client, merge, "dismiss")

    merge.refresh_from_db()
    assert (merge.status, merge.decided_by) == (ContactMerge.Status.DISMISSED, admin_user)


def test_a_decision_that_was_made_is_not_made_again(admin_client):
    merge = make_undecided()
    decide(admin_client, merge, "dismiss")

    response = decide(admin_client, merge, "approve")

    merge.refresh_from_db()
    assert "needs no decision any more" in response.text
    assert merge.status == ContactMerge.Status.DISMISSED


def test_a_decision_is_not_made_by_a_link(admin_client):
    merge = make_undecided()

    response = admin_client.get(reverse("admin:contacts_contactmerge_decide", args=[merge.pk]))

    merge.refresh_from_db()
    assert response.status_code == 405
    assert merge.status == ContactMerge.Status.REVIEW


def test_a_decision_needs_its_permission(client):
    merge = make_undecided()
    user = User.objects.create(username="reader", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_contactmerge"))
    client.force_login(user)

    page = client.get(change_url(merge))
    decide(client, merge, "approve")

    merge.refresh_from_db()
    assert "Merge anyway" not in page.text
    assert merge.status == ContactMerge.Status.REVIEW


def test_the_sidebar_counts_the_merges_that_need_a_decision(admin_client):
    make_undecided()
    make_undecided_by_another_email()

    sidebar = admin_client.get(changelist_url(ContactMerge)).context["sidebar_navigation"]

    badges = {item["title"]: item.get("badge") for group in sidebar for item in group["items"]}
    assert badges["Merges"] == "2"


def make_undecided_by_another_email():
    return ContactMerge.objects.create(
        survivor=make_contact(email="ben@example.com"),
        loser=make_contact(email="benny@example.com"),
        reason=ContactMerge.Reason.SAME_EMAIL,
        status=ContactMerge.Status.REVIEW,
    )


def test_search_finds_merges_by_guid_and_email(admin_client):
    merge = make_undecided()
    make_undecided_by_another_email()

    for term in (str(merge.loser.guid), "ANNA@example.com"):
        html = admin_client.get(changelist_url(ContactMerge), {"q": term}).text
        assert "1 merge<" in html
        assert change_url(merge) in html


def test_a_page_shows_the_fields_of_both_before_the_merge(admin_client):
    merge = make_undecided()
    merge.status, merge.moved = ContactMerge.Status.DONE, {"activities": 12}
    merge.survivor_before = {"email": "anna@example.com", "country": "DEU"}
    merge.loser_before = {"email": "ann@example.com", "city": "Bern"}
    merge.save()

    page = admin_client.get(change_url(merge))

    rows = [(row.label, row.survivor, row.loser, row.result) for row in page.context["rows"]]
    assert rows == [
        ("Email", "anna@example.com", "ann@example.com", "anna@example.com"),
        ("City", "", "Bern", "Bern"),
        ("Country", "Germany", "", "Germany"),
    ]
    assert "Activities: 12" in page.text
