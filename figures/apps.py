from django.apps import AppConfig


class FiguresConfig(AppConfig):
    name = "figures"
    verbose_name = "Figures"

    def ready(self) -> None:
        # These need the models.
        from contacts.erasures import at_the_end, forget_texts  # noqa: PLC0415
        from figures.correcting import forget, forget_keys  # noqa: PLC0415

        at_the_end(forget)
        forget_texts(forget_keys)
