from django.apps import AppConfig


class DestinationsConfig(AppConfig):
    name = "destinations"
    verbose_name = "Destinations"

    def ready(self) -> None:
        # These need the models.
        from contacts.erasing_texts import forget_in  # noqa: PLC0415
        from contacts.erasures import before_erasing  # noqa: PLC0415
        from destinations import tellings, undoing  # noqa: PLC0415
        from destinations.erasing import ask_to_delete  # noqa: PLC0415
        from destinations.models import Queue  # noqa: PLC0415

        before_erasing(ask_to_delete)
        undoing.register()
        tellings.register()
        forget_in(Queue, "last_error")
