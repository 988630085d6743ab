"""The tracking script in the pages of a main site."""

from django import template

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
