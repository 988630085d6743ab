"""Where lists are found that are for one format alone."""

import pytest
from django.urls import reverse

from adminsite.formatting import changelist_url
from tests.factories import make_channel
from tracking.models import ConsentCategory, UserProperty

pytestmark = pytest.mark.django_db

URL = "/admin/settings/tracking/"


def test_the_sidebar_leads_to_the_page_and_that_to_what_is_for_one_format_alone(log_in):
    client = log_in("view_channel", "view_userproperty")
    html = client.get(reverse("admin:index")).text
    make_channel()
    lists = [f'href="{changelist_url(model)}"' for model in (UserProperty, ConsentCategory)]

    assert f'href="{URL}"' in html
    assert [link in html for link in lists] == [False, False]
    page = client.get(URL).text
    assert [link in page for link in lists] == [True, False]
