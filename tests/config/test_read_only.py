"""READ_ONLY: what would write is refused, what reads goes on."""

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from contacts.models import Contact


@pytest.mark.django_db
def test_admin_refuses_to_write_while_read_only(admin_client, settings):
    settings.READ_ONLY = True

    response = admin_client.post(reverse("admin:auth_user_add"), {"username": "new"})

    assert response.status_code == 503
    assert response["Retry-After"] == "120"
    assert "was not saved" in response.text
    assert not User.objects.filter(username="new").exists()


@pytest.mark.django_db
def test_admin_goes_on_reading_while_read_only(admin_client, settings):
    settings.READ_ONLY = True
    Contact.objects.create(first_name="Ann")

    response = admin_client.get(reverse("admin:contacts_contact_changelist"))

    assert response.status_code == 200
    assert "Ann" in response.text
