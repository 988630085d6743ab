"""Who looks at the admin."""

import pytest
from django.contrib.auth.models import Permission, User


@pytest.fixture
def log_in(client):
    """Logs in somebody with these permissions only."""

    def log_in(*permissions):
        user = User.objects.create(username="reader", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client.force_login(user)
        return client

    return log_in
