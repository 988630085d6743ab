"""Groups as a filter of the lists of contacts, of what they do and say, and of rooms above."""

import pytest

from activities.models import Activity
from adminsite.formatting import changelist_url
from automations.models import Email, Run
from consents.agreements import record_agreement
from consents.models import ConsentAgreement
from contacts.models import Contact, ContactMerge
from groups.admin import filters
from tests.automations.drawing import make_automation, make_run
from tests.automations.emails import make_email
from tests.factories import make_activity, make_consent, make_contact, make_group
from tests.plans import plan_of

pytestmark = pytest.mark.django_db

LISTS = [Contact, Activity, ConsentAgreement, ContactMerge, Run, Email]
of_each_list = pytest.mark.parametrize("model", LISTS, ids=lambda model: model.__name__)
QUERIES = {
    Contact: 20,
    Activity: 17,
    ConsentAgreement: 11,
    ContactMerge: 12,
    Run: 11,
    Email: 11,
}
SEES_ALL = ("view_contact", "view_contactgroup")


@pytest.fixture
def people():
    """Two contacts, each with a row in every list."""
    consent, automation = make_consent(), make_automation()
    people = [make_contact(email=f"{name}@example.com") for name in ("ada", "ben")]
    for contact in people:
        make_activity(contact)
        record_agreement(contact, consent, agreed=True)
        make_run(automation, contact)
        make_email(contact)
        ContactMerge.objects.create(
            survivor=contact,
            loser=make_contact(),
            reason=ContactMerge.Reason.MARKETER,
            status=ContactMerge.Status.REVIEW,
        )
    return people


def owners(response):
    """The contacts of the rows of a list."""
    return {
        getattr(row, "survivor", None) or getattr(row, "contact", row)
        for row in response.context["cl"].result_list
    }


@of_each_list
@pytest.mark.parametrize("counted", [0, 10_000], ids=["many rows", "few rows"])
def test_a_list_is_filtered_by_group(admin_client, people, model, counted, monkeypatch):
    monkeypatch.setattr(filters, "COUNTED_ROWS", counted)
    ada, ben = people
    make_group("of-ada", members=[ada])
    make_group("empty")

    def found(code_name):
        return owners(admin_client.get(changelist_url(model), {"group": code_name}))

    assert found("of-ada") == {ada}
    assert found("empty") == set()
    assert {ada, ben} <= owners(admin_client.get(changelist_url(model)))


@of_each_list
def test_the_filter_offers_groups_with_members_by_name(admin_client, people, model):
    make_group("off", name="Switched off", enabled=False)
    make_group("new", name="Not built", static=False)
    make_group("b", name="Bold <b>")
    make_group("a", name="alpha")

    html = admin_client.get(changelist_url(model)).text

    assert '<option value="a">alpha</option>' in html
    assert '<option value="b">Bold &lt;b&gt;</option>' in html
    assert html.index('value="a"') < html.index('value="b"')
    assert "Switched off" not in html
    assert "Not built" not in html


@of_each_list
@pytest.mark.parametrize("given", ["deleted", "OF-ADA'", "1", "%", "\ud83d"])
def test_the_list_of_an_unknown_group_is_empty(admin_client, people, model, given):
    response = admin_client.get(changelist_url(model), {"group": given.encode(errors="replace")})

    assert response.status_code == 200
    assert owners(response) == set()


def test_members_of_a_group_that_is_switched_off_are_not_listed(admin_client, people):
    make_group("of-ada", members=people[:1], enabled=False)

    assert owners(admin_client.get(changelist_url(Contact), {"group": "of-ada"})) == set()


@of_each_list
@pytest.mark.parametrize("missing", SEES_ALL)
def test_only_users_who_may_see_groups_and_contacts_may_filter(log_in, people, model, missing):
    make_group("of-ada", members=people[:1])
    if model is Contact and missing == "view_contact":
        return
    others = [name for name in SEES_ALL if name != missing]
    client = log_in(f"view_{model._meta.model_name}", *others)

    response = client.get(changelist_url(model), {"group": "of-ada"})

    assert response.status_code == 302
    assert response.headers["Location"].endswith("?e=1")
    assert "of-ada" not in client.get(changelist_url(model)).text


@of_each_list
def test_users_with_the_permissions_may_filter(log_in, people, model):
    make_group("of-ada", members=people[:1])
    client = log_in(f"view_{model._meta.model_name}", *SEES_ALL)

    assert owners(client.get(changelist_url(model), {"group": "of-ada"})) == {people[0]}


@of_each_list
@pytest.mark.parametrize("lookup", ["group__code_name", "group__startswith", "memberships__group"])
def test_nothing_else_of_groups_is_a_filter(admin_client, people, model, lookup):
    make_group("of-ada", members=people[:1])

    response = admin_client.get(changelist_url(model), {lookup: "of-ada"})

    assert response.status_code == 400 or response.headers["Location"].endswith("?e=1")


@of_each_list
@pytest.mark.parametrize("count", [1, 4])
def test_a_filtered_list_takes_a_constant_number_of_queries(
    admin_client, people, model, count, django_assert_num_queries
):
    for number in range(count):
        make_group(f"group-{number}", members=people)
    url = changelist_url(model)
    admin_client.get(url)
    with django_assert_num_queries(QUERIES[model]):
        admin_client.get(url, {"group": "group-0"})


@of_each_list
def test_few_rows_of_a_group_are_not_looked_for_among_all(admin_client, people, model):
    make_group("of-ada", members=people[:1])
    shown = admin_client.get(changelist_url(model), {"group": "of-ada"}).context["cl"]

    plan = plan_of(shown.queryset[:51], without=["seqscan"])

    assert "groups_membership" not in plan
    assert "_pkey" in plan
