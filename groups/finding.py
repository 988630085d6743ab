"""Groups by their code names."""

from groups.models import ContactGroup


def group_with_code_name(code_name: str) -> ContactGroup | None:
    """The group with this code name, in any letter case."""
    return ContactGroup.objects.filter(code_name__fold=code_name.replace("\0", " ")).first()
