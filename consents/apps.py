from django.apps import AppConfig


class ConsentsConfig(AppConfig):
    name = "consents"
    verbose_name = "Consents"

    def ready(self) -> None:
        # It needs the models.
        from consents import tellings, undoing  # noqa: PLC0415

        undoing.register()
        tellings.register()
