from django.apps import AppConfig


class ActivitiesConfig(AppConfig):
    name = "activities"
    verbose_name = "Activities"

    def ready(self) -> None:
        # They need the models.
        from activities import erasing, tellings, undoing  # noqa: PLC0415

        undoing.register()
        tellings.register()
        erasing.register()
