"""The pages of a merge: choosing, deciding about many, undoing, and searching."""

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from adminsite.formatting import change_url
from consents.agreements import record_agreement
from contacts.duplicates import request_search
from contacts.editing import update_contact
from contacts.jobs import DUPLICATES
from contacts.merging import carry_out_merges
from contacts.models import Contact, ContactMerge, DuplicateSearch
from contacts.undoing import undo_merge
from groups.membership import add_members
from jobs.working import work_off
from tests.contacts.merged import merge
from tests.factories import make_activity, make_consent, make_contact, make_group

pytestmark = pytest.mark.django_db

DECISIONS = "admin:contacts_contactmerge_decisions"


def user_with(*codenames):
    user = User.objects.create(username="some-user", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


def merge_url(survivor, loser):
    return reverse("admin:contacts_contact_merge", args=[survivor.pk, loser.pk])


def undo_url(done):
    return reverse("admin:contacts_contactmerge_undo", args=[done.pk])


def hold(reason=ContactMerge.Reason.SAME_PHONE, **fields):
    return ContactMerge.objects.create(
        survivor=make_contact(**fields),
        loser=make_contact(city="Bern"),
        reason=reason,
        status=ContactMerge.Status.REVIEW,
    )


def test_a_user_chooses_the_survivor_and_who_wins(admin_client, admin_user):
    ann = make_contact(email="ann@example.com", city="Bern", zip="3000")
    anna = make_contact(email="anna@example.com", city="Rome", zip="1")
    page = admin_client.get(merge_url(anna, ann))
    form = {"shown": page.context["shown"], "wins-city": "loser", "wins-zip": "survivor"}

    admin_client.post(merge_url(anna, ann), form)

    request = ContactMerge.objects.get()
    assert (request.survivor, request.loser, request.loser_wins) == (anna, ann, ["city"])
    assert (request.status, request.decided_by) == (ContactMerge.Status.PENDING, admin_user)
    carry_out_merges([request.pk])
    anna.refresh_from_db()
    assert (anna.email, anna.city, anna.zip) == ("anna@example.com", "Bern", "1")
    rows = admin_client.get(change_url(request)).context["rows"]
    assert {row.name: row.result for row in rows} == {
        "email": "anna@example.com",
        "city": "Bern",
        "zip": "1",
    }


def test_the_values_that_were_chosen_stay_chosen_when_the_other_survives(admin_client):
    ann = make_contact(email="ann@example.com", city="Bern", zip="3000")
    anna = make_contact(email="anna@example.com", city="Rome", zip="1")
    form = {"swap": "yes", "wins-email": "survivor", "wins-city": "loser", "wins-zip": "survivor"}

    page = admin_client.post(merge_url(anna, ann), form)

    assert not ContactMerge.objects.exists()
    assert (page.context["survivor"], page.context["loser"]) == (ann, anna)
    assert f'action="{merge_url(ann, anna)}"' in page.text
    assert page.context["chosen"] == ["email", "zip"]


def test_who_may_not_decide_asks_for_a_decision(client):
    client.force_login(user_with("view_contact", "change_contact", "view_contactmerge"))
    one, other = make_contact(email="a@example.com"), make_contact(email="b@example.com")

    client.post(merge_url(one, other), {"wins-email": "loser"})

    request = ContactMerge.objects.get()
    assert (request.status, request.decided_by) == (ContactMerge.Status.REVIEW, None)
    assert request.loser_wins == ["email"]


def test_a_stale_form_of_a_merge_is_told_and_keeps_what_was_chosen(admin_client):
    one, other = make_contact(city="Bern"), make_contact(city="Rome")
    shown = admin_client.get(merge_url(one, other)).context["shown"]
    update_contact(other.pk, {"city": "Oslo"})

    page = admin_client.post(merge_url(one, other), {"shown": shown, "wins-city": "loser"})

    assert "has changed since you opened this page" in page.text
    assert page.context["chosen"] == ["city"]
    assert not ContactMerge.objects.exists()
    admin_client.post(merge_url(one, other), {"shown": page.context["shown"]})
    assert ContactMerge.objects.count() == 1


def test_a_contact_that_was_merged_meanwhile_leads_to_its_survivor(admin_client):
    one, other, third = make_contact(), make_contact(), make_contact()
    merge(third, other)

    response = admin_client.post(merge_url(one, other))

    assert response.headers["Location"] == change_url(third)
    assert ContactMerge.objects.count() == 1


def test_one_contact_twice_is_no_merge(admin_client):
    one = make_contact()

    page = admin_client.post(merge_url(one, one), follow=True)

    assert "not one twice" in page.text
    assert not ContactMerge.objects.exists()


def test_the_page_says_what_becomes_of_consents_groups_and_rows(admin_client):
    one, other = make_contact(email="a@example.com"), make_contact()
    make_activity(other)
    consent = make_consent()
    record_agreement(one, consent, agreed=True)
    record_agreement(other, consent, agreed=False)
    group = make_group("fans", static=True, name="Fans")
    add_members(group, [other.pk], cause="code")

    page = admin_client.get(merge_url(one, other))

    outcomes = dict(page.context["outcomes"])
    ((name, mine, theirs, after),) = outcomes["Answers to consents: the later one counts"]
    assert (name, mine[:6], theirs[:7], after[:7]) == (
        *(consent.name, "Agreed", "Revoked", "Revoked"),
    )
    assert outcomes["Contact groups"] == [("Fans", "-", "Member", "Member")]
    assert page.context["counts"] == [("agreements", 1, 1), ("activities", 0, 1)] or set(
        page.context["counts"]
    ) == {("agreements", 1, 1), ("activities", 0, 1)}


def test_the_undo_is_shown_before_it_is_done(admin_client, admin_user):
    survivor, loser = make_contact(email="ann@example.com"), make_contact(city="Bern", zip="1")
    make_activity(loser)
    done = merge(survivor, loser)
    update_contact(survivor.pk, {"zip": "2"})
    assert undo_url(done) in admin_client.get(change_url(done)).text

    page = admin_client.get(undo_url(done))
    assert [(row.label, row.now, row.then) for row in page.context["fields"]] == [
        ("City", "Bern", "")
    ]
    assert page.context["restored"] == [("activities", "1")]
    assert [label for label, _ in page.context["left"]] == ["Zip"]
    after = admin_client.post(undo_url(done), {"shown": page.context["shown"]}, follow=True)

    done.refresh_from_db()
    assert (done.status, done.undone.by) == (ContactMerge.Status.UNDONE, admin_user)
    assert "This merge was undone" in after.text
    assert undo_url(done) not in after.text


def test_an_undo_tells_what_moved_from_what_came_since(admin_client):
    survivor, loser = make_contact(email="ann@example.com"), make_contact()
    for _ in range(2):
        make_activity(loser)
    done = merge(survivor, loser)
    make_activity(survivor, logged_as=loser.guid)

    page = admin_client.get(undo_url(done))

    assert page.context["restored"] == [("activities", "3 (2 moved, and 1 since)")]


def test_a_stale_form_of_an_undo_is_told(admin_client):
    survivor, loser = make_contact(email="ann@example.com"), make_contact(city="Bern")
    done = merge(survivor, loser)
    shown = admin_client.get(undo_url(done)).context["shown"]
    update_contact(survivor.pk, {"city": "Rome"})

    page = admin_client.post(undo_url(done), {"shown": shown})

    done.refresh_from_db()
    assert "Something has changed since you opened this page" in page.text
    assert done.status == ContactMerge.Status.DONE


def test_an_undo_that_cannot_be_leads_back_with_the_reason(admin_client):
    done = merge(make_contact(), make_contact())
    undo_merge(done.pk)

    page = admin_client.get(undo_url(done), follow=True)

    assert f"Merge {done.pk} was undone already." in page.text


def test_undoing_needs_the_permission_to_decide(client):
    client.force_login(user_with("view_contact", "change_contact", "view_contactmerge"))
    done = merge(make_contact(), make_contact())

    assert "Undo …" not in client.get(change_url(done)).text
    assert client.get(undo_url(done)).status_code == 403
    assert client.post(undo_url(done)).status_code == 403


def test_who_may_not_see_contacts_sees_no_values(client):
    client.force_login(user_with("view_contactmerge", "change_contactmerge"))
    done = merge(make_contact(email="ann@example.com"), make_contact(city="Timbuktu"))
    held = hold(email="eve@example.com")

    pages = [client.get(undo_url(done)).text, client.get(reverse(DECISIONS)).text]

    for page in pages:
        assert "Timbuktu" not in page
        assert "example.com" not in page
    assert str(held.survivor.guid) in pages[1]


def test_the_inbox_groups_pairs_by_reason_with_their_counts(admin_client):
    hold()
    for _ in range(2):
        hold(ContactMerge.Reason.SAME_NAME)

    page = admin_client.get(reverse(DECISIONS))

    groups = [(group.label, group.count) for group in page.context["groups"]]
    assert groups == [("Has the same name and company", 2), ("Has the same phone number", 1)]


def test_the_inbox_of_a_reason_has_pages(admin_client, monkeypatch):
    monkeypatch.setattr("contacts.admin.decisions._MANY", 2)
    held = [hold() for _ in range(3)]
    url = f"{reverse(DECISIONS)}?reason=same_phone"

    (first,) = admin_client.get(url).context["groups"]
    (second,) = admin_client.get(first.more_url).context["groups"]

    assert [pair.key for pair in (*first.pairs, *second.pairs)] == [
        merge.pk for merge in reversed(held)
    ]
    assert second.more_url == ""
    assert admin_client.get(f"{reverse(DECISIONS)}?reason=%00&before=x").status_code == 200


@pytest.mark.parametrize(("answer", "status"), [("approve", "pending"), ("dismiss", "dismissed")])
def test_several_pairs_are_decided_at_once(admin_client, admin_user, answer, status):
    decided, changed, left = hold(), hold(), hold()
    (group,) = admin_client.get(reverse(DECISIONS)).context["groups"]
    shown = {pair.key: pair.shown for pair in group.pairs}
    update_contact(changed.loser_id, {"city": "Rome"})
    ticked = [f"{key}-{shown[key]}" for key in (decided.pk, changed.pk)] + ["999999-x", "no"]

    page = admin_client.post(reverse(DECISIONS), {"pair": ticked, answer: "1"}, follow=True)

    for merge_ in (decided, changed, left):
        merge_.refresh_from_db()
    assert (decided.status, decided.decided_by) == (status, admin_user)
    assert {changed.status, left.status} == {"review"}
    assert "1 pair changed since you opened the page: look again." in page.text
    assert "1 pair needed no decision any more." in page.text


def test_deciding_about_many_needs_its_permission(client):
    client.force_login(user_with("view_contactmerge"))
    hold()

    page = client.get(reverse(DECISIONS))
    answer = client.post(reverse(DECISIONS), {"approve": "1"})

    assert 'name="pair"' not in page.text
    assert answer.status_code == 403
    assert client.post(reverse("admin:contacts_contactmerge_duplicates")).status_code == 403


def test_a_user_searches_for_duplicates_and_sees_how_far_it_is(admin_client, admin_user):
    make_contact(mobile_phone="5550123")
    make_contact(mobile_phone="5550123")
    start = reverse("admin:contacts_contactmerge_duplicates")

    waiting = admin_client.post(start, follow=True)
    progress = reverse("admin:contacts_contactmerge_progress")
    assert f'hx-get="{progress}"' in waiting.text
    work_off(DUPLICATES)
    done = admin_client.get(progress).text

    assert "1 new" in done
    assert "hx-get" not in done
    assert DuplicateSearch.objects.get().requested_by == admin_user


def test_a_search_is_cancelled(admin_client):
    request_search()

    admin_client.post(reverse("admin:contacts_contactmerge_duplicates"), {"cancel": "1"})

    assert DuplicateSearch.objects.get().status == DuplicateSearch.Status.CANCELLED


@pytest.mark.parametrize("count", [1, 3])
def test_the_inbox_takes_a_constant_number_of_queries(
    admin_client, count, django_assert_num_queries
):
    for _ in range(count):
        hold()
    admin_client.get(reverse(DECISIONS))

    with django_assert_num_queries(9):
        admin_client.get(reverse(DECISIONS))


def test_the_page_of_an_undone_merge_is_in_the_timeline(admin_client):
    survivor, loser = make_contact(email="ann@example.com"), make_contact(city="Bern")
    undo_merge(merge(survivor, loser).pk)

    assert "was part of this contact" in admin_client.get(change_url(survivor)).text
    assert Contact.objects.live().count() == 2
