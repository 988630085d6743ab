from django.apps import AppConfig


class TrackingConfig(AppConfig):
    name = "tracking"
    verbose_name = "Tracking"

    def ready(self):
        from tracking import cors  # noqa: PLC0415 -- app ready

        cors.connect()
