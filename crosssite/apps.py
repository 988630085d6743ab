from django.apps import AppConfig


class CrossSiteConfig(AppConfig):
    name = "crosssite"
    verbose_name = "Cross-site tracking"

    def ready(self):
        from crosssite import cors  # noqa: PLC0415 -- app ready

        cors.connect()
