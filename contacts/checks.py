"""System checks: nobody adds a table about people and forgets what becomes of it."""

from django.core.checks import Error, register

from contacts.fields import ContactKey


@register
def check_keys_to_contacts(app_configs, **kwargs):
    """contacts.E001: a foreign key to a contact that is no ContactKey or lacks a declaration."""
    from contacts.models import Contact  # noqa: PLC0415 -- app ready

    errors = []
    for relation in Contact._meta.related_objects:
        field = relation.field
        declared = isinstance(field, ContactKey) and None not in (
            field.on_merge,
            field.on_erase,
            field.export,
        )
        if not declared:
            errors.append(
                Error(
                    f"{field.model.__name__}.{field.name} points at a contact without saying what "
                    "happens to its rows when contacts merge, are erased or exported.",
                    hint="Use ContactKey(on_merge=…, on_erase=…, export=…) of contacts.fields.",
                    obj=field,
                    id="contacts.E001",
                )
            )
    return errors
