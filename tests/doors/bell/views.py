"""Somebody rings."""

from django.http import HttpResponse
from rest_framework.authentication import BaseAuthentication

from activities.drafts import Draft
from activities.recording import Source, record_activities
from channels.keys import find_api_key
from contacts.models import Contact
from tracking.problems import Problem
from tracking.views import DoorView

ACCESS = "bell"


class BellKey(BaseAuthentication):
    def authenticate(self, request):
        key = find_api_key(request.headers.get("Bell", ""), access=ACCESS)
        if key is None:
            raise Problem(403, "no_bell", "This is not a key of the bell.")
        return None, key


class RingView(DoorView):
    authentication_classes = [BellKey]
    door = "bell"
    schema = None

    def post(self, request):
        contact = Contact.objects.create()
        source = Source(
            door=self.door,
            channel=self.key.channel,
            request_id=self.request_id,
            names_types=self.door,
        )
        record_activities([Draft(type="rang twice")], contact_guid=contact.guid, source=source)
        return HttpResponse(status=204)
