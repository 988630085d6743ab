from django.db import migrations

from channels.origins import split_origins
from web.hosts import read_web_address


def write_as_browsers_do(apps, schema_editor):
    """Domains and origins that were saved as people typed them, and matched no browser.

    What browsers accept in no spelling, or another channel has, stays as it is: the channel's
    page says what is wrong with it.
    """
    channels = apps.get_model("channels", "Channel").objects
    for channel in channels.order_by("pk"):
        domain, origins = _domain(channel.domain), split_origins(channel.allowed_origins)
        if channels.filter(domain__iexact=domain).exclude(pk=channel.pk).exists():
            domain = channel.domain
        if (domain, origins) != (channel.domain, channel.allowed_origins):
            channels.filter(pk=channel.pk).update(domain=domain, allowed_origins=origins)


def _domain(typed):
    try:
        address = read_web_address(typed.strip().rstrip("/"))
    except ValueError:
        return typed
    return address.authority if address.scheme in ("", "http", "https") else typed


class Migration(migrations.Migration):
    dependencies = [("channels", "0006_letter_case_by_one_rule")]

    operations = [migrations.RunPython(write_as_browsers_do, migrations.RunPython.noop)]
