"""The headless tracking API, as its documents describe it: consents, contacts, activities."""

from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from consents.agreements import is_agreed, record_agreement
from consents.finding import find_consent
from consents.models import Consent
from consents.texts import find_text
from contacts.erased_names import are_erased
from contacts.models import Contact
from contacts.resolving import find_contact
from tracking.contact_creation import create_contact
from tracking.headless import schema, translation
from tracking.headless.activities import LogActivities
from tracking.headless.authentication import (
    AutomationKeyAuthentication,
    BearerKeyAuthentication,
    GroupsKeyAuthentication,
)
from tracking.headless.automations import start_run
from tracking.headless.groups import GroupsOfContact
from tracking.views import DoorView, RecordingView
from web.problems import Problem


class HeadlessView(DoorView):
    """A view of the headless tracking API."""

    authentication_classes = [BearerKeyAuthentication]
    door = "headless"

    def get_contact(self, guid: str | UUID) -> Contact:
        """The live contact that this GUID leads to.

        :raises Problem: 404, if there is none
        """
        self.contact_guid = str(guid).replace("\0", " ")[:36]
        try:
            # In the one spelling by which the inspector finds it again.
            self.contact_guid = str(UUID(str(guid)))
            contact = find_contact(UUID(self.contact_guid))
        except ValueError:
            contact = None
        if contact is None:
            if are_erased(guids=[self.contact_guid]):
                detail = "The contact with this GUID was erased. Forget the GUID."
                raise Problem(404, "erased", detail)
            raise Problem(404, "unknown_contact", "There is no contact with this GUID.")
        return contact


def get_consent(code_name: str) -> Consent:
    """The consent with this code name, in any letter case.

    :raises Problem: 404, if there is none
    """
    consent = find_consent(code_name)
    if consent is None:
        raise Problem(404, "unknown_consent", "There is no consent with this code name.")
    return consent


class ConsentTextView(HeadlessView):
    @schema.consent_text
    def get(self, request: Request, consent_name: str) -> Response:
        """The text of a consent, in a language or the nearest that there is."""
        parameters = {name.lower(): value for name, value in request.query_params.dict().items()}
        text = find_text(get_consent(consent_name), parameters.get("languagename", ""))
        if text is None:
            raise Problem(404, "no_text", "This consent has no text yet.")
        return Response({"shortText": text.short_text, "fullText": text.full_text})


class ContactsView(HeadlessView):
    @schema.create_contact
    def post(self, request: Request) -> Response:
        """Create an anonymous contact, and tell its GUID."""
        idempotency_key = translation.read_idempotency_key(request.headers)
        contact = create_contact(self.key, idempotency_key)
        return Response({"contact": str(contact.guid)})


class ContactConsentView(HeadlessView):
    @schema.consent_status
    def get(self, request: Request, contact_guid: str, consent_name: str) -> Response:
        """Whether a contact agrees to a consent at present."""
        contact, consent = self.get_contact(contact_guid), get_consent(consent_name)
        return Response({"isAgreed": is_agreed(contact, consent)})

    @schema.answer_consent
    def post(self, request: Request, contact_guid: str, consent_name: str) -> HttpResponse:
        """Record that a contact agrees to a consent, or revokes it."""
        members = translation.read_members(self.body)
        agreed, language = translation.read_agree(members), translation.read_language(members)
        record_agreement(
            self.get_contact(contact_guid),
            get_consent(consent_name),
            agreed=agreed,
            channel=self.key.channel,
            language=language,
            request_id=self.request_id,
            came_by=f"API key {self.key}",
        )
        # Clients tell an empty answer by this header, which not every server adds by itself.
        return HttpResponse(headers={"Content-Length": "0"})


class ActivitiesView(RecordingView):
    authentication_classes = [BearerKeyAuthentication]
    door = LogActivities.door
    exchange = LogActivities

    @schema.log_activities
    def post(self, request: Request) -> HttpResponse:
        """Log what a contact did; each activity has a result of its own, in the given order."""
        return self.answer(LogActivities)


class ContactGroupsView(RecordingView):
    authentication_classes = [GroupsKeyAuthentication]
    door = "headless"
    exchange = GroupsOfContact

    @schema.contact_groups
    def get(self, request: Request, contact_guid: str) -> HttpResponse:
        """The contact groups that a contact is in at present, by their code names."""
        return self.answer(GroupsOfContact)


class AutomationRunsView(HeadlessView):
    authentication_classes = [AutomationKeyAuthentication]

    @schema.start_run
    def post(self, request: Request, code_name: str) -> Response:
        """Let a contact into an automation, and tell the id of the run that begins."""
        idempotency_key = translation.read_idempotency_key(request.headers)
        contact = self.get_contact(
            translation.read_guid(translation.read_members(self.body), "contact")
        )
        return Response({"run": start_run(self.key, code_name, contact, idempotency_key)}, 202)


class UnknownEndpointView(HeadlessView):
    """Whatever else is asked for below /Kentico.Tracking/."""

    schema = None

    def initial(self, request: Request, *args, **kwargs) -> None:
        super().initial(request, *args, **kwargs)
        raise Problem(404, "unknown_endpoint", "The tracking API has no such endpoint.")
