"""Where did my activity go? The search boxes of the log and of the inspector.

Indexes alone serve them.
"""

from uuid import UUID

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from activities.inspector import words_of
from activities.mentions import lines_with
from activities.models import Activity, ActivityClaim, DataInput, RejectedActivity
from adminsite.searching import as_id, as_uuid
from channels.models import Channel
from contacts.admin.searching import contact_named
from contacts.emails import check_email, spellings
from contacts.models import Contact

_SENT_FOR_OTHERS = 1000
# Payloads are read for an email, of so many lines.
_LOOKED_AT = 1000
# PostgreSQL refuses queries of very many words.
_WORDS = 200


def search_activities(
    queryset: QuerySet[Activity], term: str, *, by_email: bool
) -> QuerySet[Activity]:
    """Those of `queryset` that an id, a request id, a client id, a GUID or a whole email leads to.

    Emails lead to something only with `by_email`, see `contact_named`.

    A GUID finds what its contact did, also after merges, and what it sent that turned out to
    belong to another contact.
    """
    activity_id, given = as_id(term), as_uuid(term)
    if activity_id is not None:
        return queryset.filter(pk=activity_id)
    contact = contact_named(term, by_email=by_email)
    # Ids are looked up first: PostgreSQL answers a subquery within OR by reading the whole log.
    ids = _claimed_as(given) if given is not None else []
    if contact is not None:
        return queryset.filter(Q(contact=contact) | Q(pk__in=[*ids, *_sent_for_others(contact)]))
    condition = Q(request_id=given) if given is not None else Q()
    return queryset.filter(condition | Q(pk__in=ids))


def search_rejections(
    queryset: QuerySet[RejectedActivity], term: str
) -> QuerySet[RejectedActivity]:
    """Those of `queryset` with this request id or GUID, or with all words of `term`.

    The last word may be the beginning of one. An email finds what has it, however it is escaped,
    and what came under a GUID of the contact who has it now.
    """
    if "@" in term and (condition := _has_email(term.strip())):
        return queryset.alias(words=SearchVector("payload_text", config="simple")).filter(condition)
    words = words_of(term)[:_WORDS]
    if not words:
        return queryset.none()
    *whole, last = words
    query = SearchQuery(f"{last}:*", config="simple", search_type="raw")
    if whole:
        query = SearchQuery(" ".join(whole), config="simple") & query
    condition = Q(words=query) | _has_id(term)
    return queryset.alias(words=SearchVector("payload_text", config="simple")).filter(condition)


def search_rejections_by_name(
    queryset: QuerySet[RejectedActivity], term: str
) -> QuerySet[RejectedActivity]:
    """Those of `queryset` with this request id or GUID, or in which this whole email was sent.

    Whether a contact has the email makes no difference: who may not see contacts would learn it.
    """
    if condition := _has_id(term):
        return queryset.filter(condition)
    return queryset.filter(pk__in=_sent_with(term)) if "@" in term else queryset.none()


def _sent_with(email: str) -> set[int]:
    try:
        check_email(email)
    except ValidationError:
        return set()  # a part of emails would find people whom the user does not know
    return set().union(*(lines_with(one, most=_LOOKED_AT) for one in spellings(email)))


def _has_email(email: str) -> Q:
    words = words_of(email)[:_WORDS]
    if not words:
        return Q()
    found = Q(words=SearchQuery(" ".join(words), config="simple", search_type="phrase"))
    contact = contact_named(email, by_email=True)
    if contact is not None:
        merged = Contact.objects.filter(merged_into=contact).values_list("guid", flat=True)
        guids = [str(guid) for guid in (contact.guid, *merged[:_SENT_FOR_OTHERS])]
        found |= Q(contact_guid__in=guids)
    return found


def _has_id(term: str) -> Q:
    given = as_uuid(term)
    return Q(request_id=given) | Q(contact_guid=str(given)) if given else Q()


def _claimed_as(client_id: UUID) -> list[int]:
    # Claims are unique by channel and id: naming every channel makes use of that index.
    channels = list(Channel.objects.values_list("pk", flat=True))
    claims = ActivityClaim.objects.filter(channel_id__in=channels, client_id=client_id)
    return list(claims.values_list("activity_id", flat=True))


def _sent_for_others(contact: Contact) -> list[int]:
    sent = DataInput.objects.filter(sent_by=contact).order_by("-activity_id")
    return list(sent.values_list("activity_id", flat=True)[:_SENT_FOR_OTHERS])
