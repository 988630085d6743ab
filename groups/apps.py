from django.apps import AppConfig


class GroupsConfig(AppConfig):
    name = "groups"
    verbose_name = "Contact groups"

    def ready(self) -> None:
        # These need the models.
        from contacts.erasing_texts import forget_in  # noqa: PLC0415
        from groups import tellings, undoing  # noqa: PLC0415
        from groups.models import GroupBuild  # noqa: PLC0415

        undoing.register()
        tellings.register()
        forget_in(GroupBuild, "last_error")
