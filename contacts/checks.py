"""System checks: nobody adds a table about people and forgets what becomes of it."""

from django.core.checks import CheckMessage, Error, register

from contacts.keys import ContactKey


@register
def check_keys_to_contacts(app_configs, **kwargs) -> list[CheckMessage]:
    """contacts.E001: a foreign key to a contact that is no ContactKey or lacks a declaration."""
    from contacts.models import Contact  # noqa: PLC0415 -- app ready

    return find_undeclared_keys(Contact)


def find_undeclared_keys(model) -> list[CheckMessage]:
    """One error for each foreign key to `model` that does not declare what becomes of its rows."""
    # Hidden relations are those whose related name ends with a plus; they count as well.
    relations = model._meta.get_fields(include_hidden=True)
    keys = [relation.field for relation in relations if relation.one_to_many or relation.one_to_one]
    return [
        Error(
            f"{key.model.__name__}.{key.name} points at a contact without saying what happens to "
            "its rows when contacts merge, are erased or exported.",
            hint="Use ContactKey(on_merge=…, on_erase=…, export=…) of contacts.keys.",
            obj=key,
            id="contacts.E001",
        )
        for key in keys
        if not isinstance(key, ContactKey) or None in (key.on_merge, key.on_erase, key.export)
    ]
