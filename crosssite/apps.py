from django.apps import AppConfig


class CrossSiteConfig(AppConfig):
    name = "crosssite"
    verbose_name = "Cross-site tracking"

    def ready(self) -> None:
        # These need the models.
        from contacts.erasing_texts import forget_in  # noqa: PLC0415
        from crosssite import tellings, undoing  # noqa: PLC0415
        from crosssite.models import BrowserHits  # noqa: PLC0415

        undoing.register()
        tellings.register()
        forget_in(BrowserHits, "last_path")
