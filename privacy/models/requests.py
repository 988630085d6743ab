"""Requests of persons about their data: what came, by when it is due, and what became of it."""

from datetime import date

from django.conf import settings
from django.db import models
from django.utils import timezone

from contacts.email_fields import EmailField, EmailKeyField
from contacts.emails import LONGEST_EMAIL
from contacts.keys import ContactKey, OnErase, OnMerge
from privacy.models.people import LiveContact
from privacy.requests.due import MOST_MONTHS_MORE, due_after

LONGEST_NOTE = 10_000


class MonthsLater(models.Func):
    """The day so many months after another; the last of the month where it has no such day."""

    template = "(%(expressions)s))::date"
    arg_joiner = " + make_interval(months => "
    output_field = models.DateField()


class PersonRequestQuerySet(models.QuerySet):
    def open(self):
        """Requests that still have to be answered."""
        return self.filter(status=PersonRequest.Status.OPEN)


class PersonRequest(models.Model):
    """That a person asks for their data, or for its erasure, or objects; and the answer.

    It stays in the register for ever. Once the person is erased, it names nobody any more.
    """

    class Kind(models.TextChoices):
        ACCESS = "access", "Access"
        PORTABILITY = "portability", "Portability"
        ERASURE = "erasure", "Erasure"
        OBJECTION = "objection", "Objection"

    class Way(models.TextChoices):
        EMAIL = "email", "By email"
        LETTER = "letter", "By letter"
        PHONE = "phone", "By phone"
        FORM = "form", "By a form"
        IN_PERSON = "in_person", "In person"

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        DONE = "done", "Done"
        NOTHING = "nothing", "Nothing kept"
        REFUSED = "refused", "Refused"
        WITHDRAWN = "withdrawn", "Withdrawn"
        JOINED = "joined", "Joined another"

    class Identity(models.TextChoices):
        UNCHECKED = "unchecked", "Not checked"
        CHECKED = "checked", "Checked"
        REFUSED = "refused", "Not confirmed"

    class Proof(models.TextChoices):
        EMAIL = "email", "They wrote from the email that the hub knows, and answered there"
        ACCOUNT = "account", "They were logged in to their account"
        PHONE = "phone", "They were called back at the phone number that the hub knows"
        DOCUMENT = "document", "They showed a document"
        KNOWN = "known", "They are known in person"
        OTHER = "other", "In another way, which the note tells"

    class ExtensionGround(models.TextChoices):
        COMPLEX = "complex", "The request is complex"
        MANY = "many", "There are many requests"

    class RefusalGround(models.TextChoices):
        IDENTITY = "identity", "Who they are could not be confirmed (Article 12(2), (6))"
        UNFOUNDED = "unfounded", "The request is manifestly unfounded (Article 12(5))"
        EXCESSIVE = "excessive", "The request is excessive: it repeats others (Article 12(5))"
        OBLIGATION = "obligation", "A law obliges us to keep the data (Article 17(3)(b))"
        CLAIMS = "claims", "The data is needed for legal claims (Article 17(3)(e))"
        OTHERS = "others", "It would harm the rights of other people (Articles 15(4), 20(4))"

    class ErasureGround(models.TextChoices):
        NOT_NEEDED = "not_needed", "The data is not needed any more (Article 17(1)(a))"
        CONSENT = "consent", "They have withdrawn their consent (Article 17(1)(b))"
        OBJECTION = "objection", "They object to the processing (Article 17(1)(c))"
        UNLAWFUL = "unlawful", "The data was processed unlawfully (Article 17(1)(d))"
        LAW = "law", "A law demands the erasure (Article 17(1)(e))"
        CHILD = "child", "The data was collected from a child (Article 17(1)(f))"

    kind = models.CharField("what for", max_length=20, choices=Kind.choices)
    # The request stays with the contact that it came for. Who that is today is looked up. When an
    # erasure begins, it takes the key away: see `note_begun` of `privacy/requests/erasing.py`.
    contact = ContactKey(
        on_merge=OnMerge.KEEP,
        on_erase=OnErase.KEEP,
        export=True,
        null=True,
        blank=True,
        related_name="requests",
    )
    live_contact = LiveContact()
    # Of a person whom the hub does not know, as long as the request is open.
    email = EmailField(max_length=LONGEST_EMAIL, blank=True, default="")
    email_key = EmailKeyField(default="", blank=True, editable=False)
    person_hash = models.CharField(
        "keyed hash of the person",
        max_length=64,
        blank=True,
        default="",
        help_text="Of the email, or of the GUID without one: it tells whose the request was only "
        "to a reader who knows that and has the key of the hub.",
    )
    way = models.CharField("how it came", max_length=20, choices=Way.choices)
    received_on = models.DateField("received")
    registered_at = models.DateTimeField("registered", default=timezone.now, editable=False)
    registered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    notes = models.TextField(max_length=LONGEST_NOTE, blank=True, default="")

    extended_months = models.PositiveSmallIntegerField("extended by months", default=0)
    extension_ground = models.CharField(
        max_length=20, choices=ExtensionGround.choices, blank=True, default=""
    )
    told_on = models.DateField("person told of the extension", null=True, blank=True)
    due_on = models.GeneratedField(
        expression=MonthsLater("received_on", models.F("extended_months") + 1),
        output_field=models.DateField("due"),
        db_persist=True,
        verbose_name="due",
    )

    identity = models.CharField(max_length=20, choices=Identity.choices, default=Identity.UNCHECKED)
    identity_proof = models.CharField(
        "how it was checked", max_length=20, choices=Proof.choices, blank=True, default=""
    )
    identity_note = models.TextField(max_length=LONGEST_NOTE, blank=True, default="")
    identity_at = models.DateTimeField("identity checked", null=True)
    identity_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )

    # No keys: a file is deleted after a while, and the number of its row stays.
    access_file_id = models.BigIntegerField("access file", null=True, editable=False)
    erasure_id = models.BigIntegerField("erasure", null=True, editable=False)
    certificate_number = models.BigIntegerField("certificate", null=True, editable=False)
    erasure_ground = models.CharField(
        max_length=20, choices=ErasureGround.choices, blank=True, default=""
    )
    erasure_asked_at = models.DateTimeField("erasure asked for", null=True)
    erasure_asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    erasure_approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )

    status = models.CharField("state", max_length=20, choices=Status.choices, default=Status.OPEN)
    refusal_ground = models.CharField(
        max_length=20, choices=RefusalGround.choices, blank=True, default=""
    )
    ended_at = models.DateTimeField("ended", null=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )

    objects = PersonRequestQuerySet.as_manager()

    class Meta:
        verbose_name = "request"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status="open", ended_at__isnull=True)
                | (~models.Q(status="open") & models.Q(ended_at__isnull=False)),
                name="a_request_is_open_until_it_ends",
            ),
            models.CheckConstraint(
                condition=models.Q(extended_months__lte=MOST_MONTHS_MORE),
                name="a_request_is_extended_by_two_months_at_most",
            ),
            models.CheckConstraint(
                condition=models.Q(extended_months=0, extension_ground="", told_on__isnull=True)
                | (
                    models.Q(extended_months__gt=0, told_on__isnull=False)
                    & ~models.Q(extension_ground="")
                ),
                name="an_extension_says_why_and_when_the_person_was_told",
            ),
            models.CheckConstraint(
                condition=models.Q(told_on__isnull=True)
                | models.Q(
                    told_on__gte=models.F("received_on"),
                    told_on__lte=MonthsLater("received_on", models.Value(1)),
                ),
                name="a_person_is_told_of_an_extension_within_the_first_month",
            ),
            models.CheckConstraint(
                condition=models.Q(identity="unchecked", identity_at__isnull=True)
                | (~models.Q(identity="unchecked") & models.Q(identity_at__isnull=False)),
                name="an_identity_is_checked_at_a_time",
            ),
            models.CheckConstraint(
                condition=(models.Q(identity="checked") & ~models.Q(identity_proof=""))
                | (~models.Q(identity="checked") & models.Q(identity_proof="")),
                name="a_checked_identity_says_how",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="done", kind__in=["access", "portability", "erasure"])
                | models.Q(identity="checked"),
                name="no_data_is_given_or_erased_before_the_identity_is_checked",
            ),
            models.CheckConstraint(
                condition=(models.Q(status="refused") & ~models.Q(refusal_ground=""))
                | (~models.Q(status="refused") & models.Q(refusal_ground="")),
                name="a_refused_request_says_why",
            ),
            models.CheckConstraint(
                condition=models.Q(erasure_approved_by__isnull=True)
                | ~models.Q(erasure_approved_by=models.F("erasure_asked_by")),
                name="nobody_approves_of_an_erasure_that_they_asked_for",
            ),
            models.CheckConstraint(
                condition=models.Q(erasure_asked_at__isnull=True) | ~models.Q(erasure_ground=""),
                name="an_erasure_has_a_ground",
            ),
            models.CheckConstraint(
                condition=models.Q(email="") | models.Q(status="open", contact__isnull=True),
                name="an_unknown_person_is_named_until_the_end",
            ),
            models.UniqueConstraint(
                fields=["kind", "contact"],
                condition=models.Q(status="open"),
                name="one_open_request_per_contact_and_kind",
            ),
            models.UniqueConstraint(
                fields=["kind", "email_key"],
                condition=models.Q(status="open") & ~models.Q(email_key=""),
                name="one_open_request_per_unknown_person_and_kind",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_on", "id"],
                condition=models.Q(status="open"),
                name="open_requests_by_due",
            ),
            models.Index(fields=["erasure_id"], name="requests_of_an_erasure"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, received on {written(self.received_on)}"

    @property
    def is_open(self) -> bool:
        return self.status == self.Status.OPEN

    @property
    def first_due_on(self) -> date:
        """The last day of the first month, which an extension begins after."""
        return due_after(self.received_on)

    @property
    def is_of_unknown(self) -> bool:
        """Whether the hub knows nobody with the email of the request."""
        return bool(self.email) and self.contact_id is None


def written(day: date) -> str:
    """A day as sentences have it: 3 December 2026."""
    return f"{day.day} {day:%B %Y}"


class RequestEvent(models.Model):
    """Something that was done about a request. Never edited; what users wrote goes with the person.

    :ivar says: what was done, without anything about the person
    :ivar note: what a user wrote about it
    """

    class Kind(models.TextChoices):
        REGISTERED = "registered", "Registered"
        AGAIN = "again", "Received again"
        CORRECTED = "corrected", "Corrected"
        CONNECTED = "connected", "Person found"
        IDENTITY = "identity", "Identity"
        EXTENDED = "extended", "Extended"
        FILE = "file", "File"
        ERASURE = "erasure", "Erasure"
        OBJECTION = "objection", "Objection"
        NOTE = "note", "Note"
        ENDED = "ended", "Ended"

    request = models.ForeignKey(PersonRequest, models.CASCADE, related_name="events")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    at = models.DateTimeField("time", default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    says = models.TextField()
    note = models.TextField(blank=True, default="", max_length=LONGEST_NOTE)

    class Meta:
        verbose_name = "step of a request"
        verbose_name_plural = "steps of requests"
        default_permissions = ()

    def __str__(self) -> str:
        return self.says


_IS_OPEN = models.Case(
    models.When(status=PersonRequest.Status.OPEN, then=models.Value(0)),
    default=models.Value(1),
    output_field=models.SmallIntegerField(),
)
_DUE_IF_OPEN = models.Case(
    models.When(status=PersonRequest.Status.OPEN, then=models.F("due_on")),
    output_field=models.DateField(),
)
# Those that are open first, the most urgent first; then those that ended, the newest first.
BY_DUE = (_IS_OPEN, _DUE_IF_OPEN, models.F("ended_at").desc(), "-id")
