"""Automations by their code names."""

from automations.models import Automation


def automation_with_code_name(code_name: str) -> Automation | None:
    """The automation with this code name, in any letter case."""
    return Automation.objects.filter(code_name__fold=code_name.replace("\0", " ")).first()
