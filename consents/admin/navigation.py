"""Where consents and the ledger of agreements are found."""

from adminsite.navigation import SidebarItem, register_item
from adminsite.palette import Findable, list_of, register_findable, rows_of
from consents.admin.permissions import may_see_agreements, may_see_consents
from consents.models import Consent

register_item(
    SidebarItem(
        group="Consents",
        position=10,
        title="Consents",
        icon="verified_user",
        view="admin:consents_consent_changelist",
        may_see=may_see_consents,
    )
)
register_item(
    SidebarItem(
        group="Consents",
        position=20,
        title="Agreements",
        icon="how_to_reg",
        view="admin:consents_consentagreement_changelist",
        may_see=may_see_agreements,
    )
)
register_findable(
    Findable(
        title="Consents",
        icon="verified_user",
        position=80,
        may_see=may_see_consents,
        find=rows_of(Consent, "name", "code_name", note="code_name"),
        more_url=list_of(Consent),
    )
)
