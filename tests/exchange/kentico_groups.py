"""Contact groups as Kentico writes them, and rules for them."""

from html import escape

HALF = '<?xml version="1.0" encoding="utf-8"?>\n<om.contactgroup>\n'


def rule(name, position=0, parent="0", operator="and", **parameters):
    """A rule in the XML of a condition."""
    inner = "".join(
        f'<p n="{name}"><t>…</t><v>{escape(text)}</v><r>1</r><vt>text</vt></p>'
        for name, text in parameters.items()
    )
    return f'<r pos="{position}" par="{parent}" op="{operator}" n="{name}" >{inner}</r>'


def branch(position=0, parent="", operator="and"):
    """A group of rules in the XML of a condition."""
    return f'<r pos="{position}" par="{parent}" op="{operator}" />'


def macro(*rules):
    """The macro in which rules are stored."""
    xml = f"<rules>{''.join(rules)}</rules>"
    quoted = xml.replace("\\", "\\\\").replace('"', '\\"')
    return f'{{%Rule("(Contact.Never(\\"<rules>\\"))", "{quoted}")|(identity)x|(hash)0%}}'


def group(name, *rules, condition=None, **members):
    """The file of a group, with these rules in one branch unless there is a condition."""
    condition = macro(branch(), *rules) if condition is None else condition
    texts = {"DisplayName": name, "Name": name, "Enabled": "True"} | members
    lines = [
        f"  <ContactGroup{key}>{escape(text)}</ContactGroup{key}>" for key, text in texts.items()
    ]
    lines.append(
        "  <ContactGroupDynamicCondition>\n"
        f"    <![CDATA[{condition}]]>\n"
        "  </ContactGroupDynamicCondition>"
    )
    return HALF + "\n".join(lines) + "\n</om.contactgroup>\n"


PAGE = "CMSContactHasVisitedPageWithURLInLastXDays"
IN_GROUP = "CMSContactIsInContactGroup"
FEMALE = rule("CMSContactIsFemale", _is="")
LOANS = rule(PAGE, _perfectum="", url="/loans", days="30")


def text(operator, value):
    return {"operator": operator, "value": value}


def a(url, position=0, parent="0", operator="and"):
    return rule(PAGE, position, parent, operator, url=url)
