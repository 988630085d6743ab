from django.apps import AppConfig


class ContactsConfig(AppConfig):
    name = "contacts"
    verbose_name = "Contacts"

    def ready(self):
        from contacts import checks, erasing_texts, tellings  # noqa: F401, PLC0415 -- app ready

        erasing_texts.register()
        tellings.register()
