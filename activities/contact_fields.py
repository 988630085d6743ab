"""The contact fields of a data input: their names on the wire."""

from activities.problems import InvalidActivity
from contacts.profile import InvalidField, check_field, may_have_state

# Name on the wire -> name of the model's field.
WIRE_NAMES = {
    "ContactEmail": "email",
    "ContactFirstName": "first_name",
    "ContactMiddleName": "middle_name",
    "ContactLastName": "last_name",
    "ContactBirthday": "birthday",
    "ContactMobilePhone": "mobile_phone",
    "ContactBusinessPhone": "business_phone",
    "ContactCompanyName": "company_name",
    "ContactJobTitle": "job_title",
    "ContactAddress1": "address1",
    "ContactCity": "city",
    "ContactZIP": "zip",
    "ContactCountry": "country",
    "ContactState": "state",
    "ContactNotes": "notes",
}
_FIELDS = {wire_name.lower(): name for wire_name, name in WIRE_NAMES.items()}


def check_contact_fields(given: object) -> dict[str, str]:
    """What `given` says about a contact, by the names of the model, upper-cased where it matters.

    Names match in any letter case, those that are none of ours are ignored, and so is "".

    :raises InvalidActivity: naming the field that is wrong
    """
    if not isinstance(given, dict):
        raise InvalidActivity("wrong_type", "contactFields", "contactFields must be an object.")
    fields = {}
    for wire_name, value in given.items():
        name = _FIELDS.get(str(wire_name).lower())
        if name is None:
            continue
        if not isinstance(value, str):
            raise InvalidActivity(
                "wrong_type", wire_name, f"{wire_name} must be a string; leave it out or send “”."
            )
        if value := value.strip():
            fields[name] = _check(wire_name, name, value)
    if "state" in fields and not may_have_state(fields.get("country", "")):
        raise InvalidActivity(
            "bad_state",
            "ContactState",
            "ContactState is for contacts in the USA; leave it out, or send USA as ContactCountry.",
        )
    return fields


def email_in(given: object) -> str:
    """The email that contact fields give, whether or not it is one; "" if they give none."""
    if isinstance(given, dict):
        for wire_name, value in given.items():
            if isinstance(value, str) and _FIELDS.get(str(wire_name).lower()) == "email":
                return value.strip()
    return ""


def _check(wire_name: str, name: str, value: str) -> str:
    try:
        return check_field(name, value, called=wire_name)
    except InvalidField as error:
        raise InvalidActivity(error.code, wire_name, error.detail) from None
