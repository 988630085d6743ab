"""The page of sessions: a user ends their own, and operators those of everybody."""

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth import logout
from django.core.exceptions import PermissionDenied
from django.db.models import BooleanField, ExpressionWrapper, Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from adminsite.columns import Column, Moment, Short
from adminsite.formatting import badge, changelist_url
from adminsite.navigation import SidebarItem, register_item
from adminsite.options import ReadOnlyAdmin
from config.logins.permissions import may_end_all_sessions, may_see_all_sessions
from config.logins.sessions import device, end, sessions

_BUTTON = (
    "bg-white border border-base-200 cursor-pointer font-medium px-3 py-1 rounded-default "
    "text-red-700 hover:bg-base-100 dark:bg-base-900 dark:border-base-700 dark:text-red-400 "
    "dark:hover:bg-base-800"
)


def browser(session: UserSession) -> SafeString | str:
    """What the user logged in with; the tooltip has what the browser says of itself."""
    text = format_html('<span title="{}">{}</span>', session.user_agent, device(session.user_agent))
    is_this = getattr(session, "is_this", False)
    return format_html("{} {}", text, badge("This one", "good")) if is_this else text


def ending(session: UserSession) -> SafeString:
    """The button that ends it: it sends the form that the list stands in."""
    return format_html(
        '<button type="submit" class="{}" formaction="{}" aria-label="End the session of {}: {}">'
        "End</button>",
        _BUTTON,
        reverse("admin:usersessions_usersession_end", args=[session.pk]),
        session.user.get_username(),
        device(session.user_agent),
    )


class SessionAdmin(ReadOnlyAdmin):
    """Where users are logged in. Without a further right it is where one is oneself."""

    list_title = "Sessions"
    list_help = (
        "Where you are logged in; operators see everybody. End a session that you do not know, "
        "then change your password. “Last seen” is known to five minutes."
    )
    list_display = (
        Column("user", may_see=may_see_all_sessions),
        Column(browser, "Device"),
        # On a phone there is no room for more.
        Column(ending, "End"),
        Moment("last_seen_at", "Last seen"),
        Short("ip", "Address"),
        Moment("created_at", "Since"),
    )
    list_display_links = None
    ordering = ("-last_seen_at", "-id")
    sortable_by = ()
    list_select_related = ("user",)
    search_fields = ("user__username",)
    fields = ("user", "ip", "user_agent", "created_at", "last_seen_at")
    readonly_fields = fields

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_staff)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        is_own = obj is None or (isinstance(obj, UserSession) and obj.user == request.user)
        return bool(request.user.is_staff and (is_own or may_see_all_sessions(request.user)))

    def get_queryset(self, request: HttpRequest) -> QuerySet[UserSession]:
        return sessions().order_by(*self.ordering)

    def get_list_queryset(
        self, request: HttpRequest, queryset: QuerySet[UserSession]
    ) -> QuerySet[UserSession]:
        """The sessions of the user, or of everybody, and which of them asks."""
        is_this = Q(session_key=request.session.session_key or "")
        shown = queryset.annotate(is_this=ExpressionWrapper(is_this, BooleanField()))
        return shown if may_see_all_sessions(request.user) else shown.filter(user=request.user)

    def get_search_fields(self, request: HttpRequest) -> tuple:
        return self.search_fields if may_see_all_sessions(request.user) else ()

    def get_urls(self):
        one = path(
            "<int:session_id>/end/",
            require_POST(self.admin_site.admin_view(self.end_view)),
            name="usersessions_usersession_end",
        )
        return [one, *super().get_urls()]

    def end_view(self, request: HttpRequest, session_id: int) -> HttpResponse:
        """Log the browser of a session out."""
        session = sessions().filter(pk=session_id).select_related("user").first()
        if session is None:
            raise Http404("There is no such session, or it has ended.")
        if session.user != request.user and not may_end_all_sessions(request.user):
            raise PermissionDenied
        is_this = session.session_key == request.session.session_key
        end(session)
        if is_this:
            logout(request)
            return HttpResponseRedirect(reverse("admin:login"))
        messages.success(request, "The session was ended.")
        return HttpResponseRedirect(changelist_url(UserSession))


register_item(
    SidebarItem(
        group="Settings",
        position=75,
        title="Sessions",
        icon="devices",
        view="admin:usersessions_usersession_changelist",
        may_see=may_see_all_sessions,
    )
)
