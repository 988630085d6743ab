"""Who erased a person over an API: the log says it, without personal data."""

import pytest

from activities.models import Activity
from tests.factories import make_contact
from tests.wire.activecampaign_api import ApiClient

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("proxies", "address"), [(0, "127.0.0.1"), (1, "192.0.2.7")])
def test_erasing_is_logged_with_the_key_and_the_address(caplog, settings, proxies, address):
    settings.PROXY_COUNT = proxies
    api = ApiClient()
    contact = make_contact(email="ada@example.com", first_name="Ermintrude")

    headers = {"X-Forwarded-For": "192.0.2.7"}
    assert api.delete(f"/contacts/{contact.pk}", headers=headers.items()).status_code == 200

    [line] = [record.getMessage() for record in caplog.records]
    assert line == (
        f"The contact {contact.guid} was erased with the API key tl_{api.key.identifier}_… "
        f"from {address}."
    )
    assert api.token not in caplog.text
    assert not Activity.objects.exists()


def test_what_was_not_erased_is_not_logged(caplog):
    assert ApiClient().delete("/contacts/1").status_code == 404

    assert not [record for record in caplog.records if "erased" in record.getMessage()]
