from django.db import migrations

from web.hosts import read_domain


def leave_out_ports(apps, schema_editor):
    """Domains with what no browser sends: a usual port, or a dot at the end.

    If another channel has the domain without it, it stays as it is.
    """
    channels = apps.get_model("channels", "Channel").objects
    for channel in channels.exclude(domain="").order_by("pk"):
        domain = _read(channel.domain)
        others = channels.filter(domain__iexact=domain).exclude(pk=channel.pk)
        if domain != channel.domain and not others.exists():
            channels.filter(pk=channel.pk).update(domain=domain)


def _read(domain):
    try:
        return read_domain(domain)
    except ValueError:
        return domain


class Migration(migrations.Migration):
    dependencies = [("channels", "0007_domains_as_browsers_write_them")]

    operations = [migrations.RunPython(leave_out_ports, migrations.RunPython.noop)]
