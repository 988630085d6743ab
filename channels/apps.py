from django.apps import AppConfig

from web import hosts


class ChannelsConfig(AppConfig):
    name = "channels"
    verbose_name = "Channels"

    def ready(self):
        from channels.known import is_website  # noqa: PLC0415 -- app ready

        hosts.also_allow(is_website)
