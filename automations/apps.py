from django.apps import AppConfig


class AutomationsConfig(AppConfig):
    name = "automations"
    verbose_name = "Automations"

    def ready(self) -> None:
        # These need the settings, and the models.
        from automations import (  # noqa: PLC0415
            checks,  # noqa: F401
            conditions,  # noqa: F401
            erasing,
            needing,
            tellings,
            undoing,
        )
        from automations.emails import webhooks  # noqa: F401, PLC0415

        needing.register()
        undoing.register()
        tellings.register()
        erasing.register()
