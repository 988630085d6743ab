"""Logging in, for tests: Mia, and her passwords."""

from django.test import Client

LOGIN = "/admin/login/"
PASSWORD = "a long password of mia"
NEW_PASSWORD = "another long password"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def log_in(name="mia", password=PASSWORD, client=None, address="203.0.113.1", **data):
    client = client or Client()
    return client.post(LOGIN, {"username": name, "password": password, **data}, REMOTE_ADDR=address)


def is_in(response):
    return response.status_code == 302 and "_auth_user_id" in response.client.session
