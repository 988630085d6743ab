"""What the templates of the login pages need of Python."""

import ipaddress

from django import template
from django.forms import BoundField, CheckboxInput
from django.http import HttpRequest
from django.http.request import split_domain_port
from django.utils.safestring import SafeString
from unfold.widgets import CHECKBOX_CLASSES, INPUT_CLASSES

register = template.Library()


@register.filter
def in_unfolds_look(field: BoundField) -> SafeString:
    """The widget of a field as Unfold's own fields look."""
    is_checkbox = isinstance(field.field.widget, CheckboxInput)
    classes = CHECKBOX_CLASSES if is_checkbox else INPUT_CLASSES
    # A placeholder that repeats the label only looks like something that is filled in.
    return field.as_widget(attrs={"class": " ".join(classes), "placeholder": ""})


@register.simple_tag
def input_classes() -> str:
    """The classes of a field that belongs to no form."""
    return " ".join(INPUT_CLASSES)


@register.filter
def is_checkbox(field: BoundField) -> bool:
    """Whether a field is ticked, and so its label stands behind it."""
    return isinstance(field.field.widget, CheckboxInput)


@register.filter
def without_passkeys(request: HttpRequest) -> bool:
    """Whether browsers refuse passkeys for the host of this request, being a bare address."""
    name, _ = split_domain_port(request.get_host())
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
