"""The Config API of the Commanders Act format, as far as it reports: sources and their quality.

Answers are JSON:API documents. An API key sees the channels of its own site.
"""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse, JsonResponse
from django.utils import timezone
from rest_framework.request import Request

from activities.models import RejectedActivity
from activities.problems import Status
from activities.quality import quality_of
from channels.models import Channel
from tracking.commandersact import schema
from tracking.commandersact.authentication import ConfigKeyAuthentication
from tracking.views import DoorView
from web.problems import Problem

_JSON_API = "application/vnd.api+json"


class ConfigView(DoorView):
    """A view of the Config API."""

    authentication_classes = [ConfigKeyAuthentication]
    door = "commandersact-config"

    def initial(self, request: Request, *args, **kwargs) -> None:
        super().initial(request, *args, **kwargs)
        if kwargs["site_id"] != self.key.channel.site_id:
            detail = "The API key belongs to a channel of another site."
            raise Problem(403, "site_access_forbidden", detail)

    def respond(self, problem: Problem) -> HttpResponse:
        error = {
            "status": str(problem.status),
            "title": str(problem.code).upper(),
            "detail": str(problem.detail),
        }
        return JsonResponse(
            {"errors": [error]},
            status=problem.status,
            content_type=_JSON_API,
            headers=problem.headers,
        )

    def sources(self) -> QuerySet[Channel]:
        """The channels of the site that the key may see."""
        return Channel.objects.filter(site_id=self.key.channel.site_id).order_by("pk")

    def read_number(self, name: str, *, default: int, maximum: int) -> int:
        """The parameter of this name: a whole number from 1 to `maximum`.

        :raises Problem: 400, if it is none
        """
        given = self.request.GET.get(name, str(default))
        if not (given.isascii() and given.isdigit() and 1 <= int(given[:10]) <= maximum):
            detail = f"{name} must be a whole number from 1 to {maximum}."
            raise Problem(400, "bad_parameter", detail, field=name)
        return int(given)


class SourcesView(ConfigView):
    @schema.list_sources
    def get(self, request: Request, site_id: str) -> HttpResponse:
        """The sources of a site."""
        return _answer([_as_resource(channel) for channel in self.sources()])


class SourceView(ConfigView):
    @schema.get_source
    def get(self, request: Request, site_id: str, source_id: str) -> HttpResponse:
        """One source."""
        channel = next((one for one in self.sources() if str(one.guid) == source_id.lower()), None)
        if channel is None:
            raise Problem(404, "unknown_source", "The site has no source with this id.")
        return _answer(_as_resource(channel))


class QualityView(ConfigView):
    @schema.get_quality
    def get(self, request: Request, site_id: str) -> HttpResponse:
        """How good the events of each source of a site were; every event counts."""
        until = timezone.now()
        since = until - timedelta(days=self.read_number("days", default=7, maximum=30))
        channels = list(self.sources())
        quality = quality_of([channel.pk for channel in channels], since)
        return _answer(
            [
                _resource(
                    "sources-data-quality",
                    channel.guid,
                    name=channel.name,
                    quality=quality[channel.pk].figure,
                    weather=quality[channel.pk].weather,
                    events={
                        status.value: quality[channel.pk].counts.get(status, 0) for status in Status
                    },
                    since=since,
                    until=until,
                )
                for channel in channels
            ]
        )


class InspectorView(ConfigView):
    @schema.inspect_events
    def get(self, request: Request, site_id: str) -> HttpResponse:
        """The newest events of a site in the inspector: all tests, and all that was not valid."""
        limit = self.read_number("limit", default=20, maximum=100)
        rows = RejectedActivity.objects.filter(channel__in=self.sources()).select_related("channel")
        if test_code := request.GET.get("test_code"):
            rows = rows.filter(test_code=test_code.replace("\0", " "))
        if status := request.GET.get("status"):
            if status not in Status.values:
                detail = f"status must be one of {', '.join(Status.values)}."
                raise Problem(400, "bad_parameter", detail, field="status")
            rows = rows.filter(status=status)
        return _answer([_as_inspected(row) for row in rows.order_by("-at", "-id")[:limit]])


def _as_resource(channel: Channel) -> dict[str, Any]:
    return _resource(
        "sources",
        channel.guid,
        name=channel.name,
        active=channel.source_enabled,
        integration_key=channel.source_key,
    )


def _as_inspected(row: RejectedActivity) -> dict[str, Any]:
    assert row.channel is not None
    return _resource(
        "inspected-events",
        row.pk,
        status=row.status,
        reason=row.code,
        field=row.field,
        detail=row.reason,
        time=row.at,
        source=row.channel.guid,
        test_code=row.test_code,
        request_id=row.request_id,
        event=bytes(row.payload).decode(errors="replace"),
    )


def _resource(type_: str, id_: object, **attributes) -> dict[str, Any]:
    return {"type": type_, "id": str(id_), "attributes": attributes}


def _answer(data: object) -> HttpResponse:
    return JsonResponse({"data": data}, content_type=_JSON_API)
