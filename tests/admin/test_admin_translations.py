"""User properties and consent categories: how events of other systems are understood."""

import re

import pytest
from django.urls import reverse

from adminsite.formatting import changelist_url
from consents.models import Consent
from tests.factories import make_channel, make_consent
from tracking.models import ConsentCategory, UserProperty

pytestmark = pytest.mark.django_db


def test_user_properties_are_listed_with_the_fields_as_people_call_them(admin_client):
    html = admin_client.get(changelist_url(UserProperty)).text

    fields = re.findall(r'<td class="field-contact_field[^>]*>\s*(.+?)\s*<', html)
    assert fields[-1] == "ZIP"
    assert UserProperty.objects.order_by("name").last().contact_field == "ContactZIP"


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (UserProperty, "A property without a line stays with the activity."),
        (ConsentCategory, "A category without a line stays with the activity and changes no"),
    ],
)
def test_lists_say_what_they_are_for(admin_client, model, text):
    ConsentCategory.objects.create(channel=make_channel(), category="1", consent=make_consent())

    assert text in admin_client.get(changelist_url(model)).text


def test_a_user_property_gets_a_contact_field(admin_client):
    admin_client.post(
        reverse("admin:tracking_userproperty_add"),
        {"name": "employer", "contact_field": "ContactCompanyName"},
    )

    assert UserProperty.objects.get(name="employer").contact_field == "ContactCompanyName"


def test_a_user_property_has_one_contact_field_only(admin_client):
    page = admin_client.post(
        reverse("admin:tracking_userproperty_add"),
        {"name": "firstname", "contact_field": "ContactNotes"},
    )

    assert "already exists" in page.text
    assert UserProperty.objects.get(name="firstname").contact_field == "ContactFirstName"


def test_without_user_properties_the_list_says_what_that_means(admin_client):
    UserProperty.objects.all().delete()

    html = admin_client.get(changelist_url(UserProperty)).text

    assert "No user property goes to a contact field" in html
    assert reverse("admin:tracking_userproperty_add") in html


def test_a_category_stands_for_a_consent_once_on_a_channel(admin_client):
    channel, consent = make_channel(), make_consent()
    add = reverse("admin:tracking_consentcategory_add")
    form = {"channel": channel.pk, "category": "1", "consent": consent.pk}

    admin_client.post(add, form)
    again = admin_client.post(add, form)

    assert "This category stands for this consent already." in again.text
    line = ConsentCategory.objects.get()
    assert (line.channel, line.category, line.consent) == (channel, "1", consent)


def test_without_categories_the_list_says_what_comes_first(admin_client):
    def title():
        page = admin_client.get(changelist_url(ConsentCategory))
        return page.context["cl"].model_admin.empty_state.title

    titles = [title()]
    make_consent()
    titles.append(title())
    make_channel()
    titles.append(title())

    assert titles == [
        "A consent comes first",
        "A channel comes first",
        "No category stands for a consent yet",
    ]


def test_a_consent_that_a_category_stands_for_stays(admin_client):
    line = ConsentCategory.objects.create(
        channel=make_channel(), category="1", consent=make_consent()
    )
    url = reverse("admin:consents_consent_delete", args=[line.consent_id])

    page = admin_client.post(url, {"post": "yes"}, follow=True)

    assert "cannot be deleted, because consent categories refer to it." in page.text
    assert Consent.objects.exists()
