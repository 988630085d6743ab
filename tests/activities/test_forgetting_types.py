"""Types that were made of event names in which a person is named, when the person is erased."""

import pytest

from activities.erasing import erase_contact
from activities.models import ActivityType
from tests.factories import make_activity, make_activity_type, make_contact


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "is_used", "becomes"),
    [
        # Whoever enters this name into a form must not take a type along that groups ask for.
        ("Page Visit", True, "Page Visit"),
        ("Page Visit", False, None),
        ("Asked page.visit@example.com", True, "erased"),
    ],
)
def test_a_type_of_others_is_forgotten_for_an_email_and_not_for_two_words(name, is_used, becomes):
    person = make_contact(email="page.visit@example.com", first_name="Page", last_name="Visit")
    one = make_activity_type(code_name=name.lower(), name=name, door="commandersact")
    make_activity(person, type=one)
    if is_used:
        make_activity(make_contact(), type=one)

    erase_contact(person.pk)

    found = ActivityType.objects.filter(pk=one.pk).first()
    assert (found and found.name.removesuffix(f" {one.pk}")) == becomes
