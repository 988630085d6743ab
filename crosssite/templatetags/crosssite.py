"""The tracking script in the pages of a main site, and the groups of their visitor."""

from django import template

from crosssite.personalising import is_in_group
from crosssite.snippet import FUNCTION_NAME, is_function_name

register = template.Library()


@register.inclusion_tag("crosssite/tracking_script.html")
def tracking_script(
    *,
    log_page_visit: bool = True,
    log_custom_activity: bool = True,
    function_name: str = FUNCTION_NAME,
    nonce: str = "",
) -> dict:
    """The script that logs page visits, and the function for everything else.

    Calls of the function are kept until the script has loaded. `nonce` is for pages with a Content
    Security Policy.
    """
    if not is_function_name(function_name):
        raise template.TemplateSyntaxError(
            f"{function_name!r} cannot be the name of a JavaScript function."
        )
    return {
        "log_page_visit": log_page_visit,
        "log_custom_activity": log_custom_activity,
        "function_name": function_name,
        # That of django-csp is made when it is first read, and counts as empty before.
        "nonce": str(nonce),
    }


@register.simple_tag(takes_context=True)
def in_group(context: template.Context, code_name: str) -> bool:
    """Whether the visitor of this page is in the contact group `code_name`, for `as` a variable.

    :raises TemplateSyntaxError: if the template was rendered without a request
    """
    if "request" not in context:
        raise template.TemplateSyntaxError(
            "in_group needs the request: render the template by django.shortcuts.render."
        )
    return is_in_group(context["request"], str(code_name))
