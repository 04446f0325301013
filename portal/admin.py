"""The administration pages: practices, users and the audit trail, which is read-only."""

import re
from typing import Any, Final

import allauth.account.admin
import allauth.mfa.admin
import allauth.usersessions.admin  # noqa: F401 - the three register what is unregistered below
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.db import models
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal import audit, logos
from portal.form_messages import StaffMessages, StaffModelForm
from portal.models import AuditEvent, Logo, Membership, Practice, User
from portal.text_fields import LineField, TextField

admin.site.unregister(Group)  # permissions come from a membership's role
admin.site.unregister(Authenticator)
admin.site.unregister(EmailAddress)  # each user has one address
admin.site.unregister(UserSession)  # registered again below


# These values are printed on PIN sheets and sent in emails, so they are validated like text that the desk types.
AS_TEXT: Final[dict[type[models.Field[Any, Any]], dict[str, Any]]] = {
    models.CharField: {"form_class": LineField},
    models.SlugField: {"form_class": forms.SlugField},  # a SlugField is also a CharField
    models.TextField: {"form_class": TextField},
}
# Each word of a search becomes a condition of its own, and SQLite rejects statements with a thousand of them.
_MAX_WORDS: Final = 10


class PortalAdmin(admin.ModelAdmin[Any]):
    """Record every change in the audit trail: the object and the names of its fields, but never their values."""

    form = StaffModelForm
    formfield_overrides = AS_TEXT

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        entry = super().log_addition(request, obj, message)
        _record_change(request, obj, message)
        return entry

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        entry = super().log_change(request, obj, message)
        _record_change(request, obj, message)
        return entry

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        entries = super().log_deletions(request, queryset)
        for obj in queryset:
            _record_change(request, obj, [{"deleted": {}}])
        return entries

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        return super().get_search_results(request, queryset, " ".join(search_term.split()[:_MAX_WORDS]))


def _record_change(request: HttpRequest, obj: Any, message: str | list[dict[str, dict[str, Any]]]) -> None:
    """Record a change. `message` is Django's list of changes to the object and its inline rows, with the field names."""
    parts = message if isinstance(message, list) else [{message: {}}]
    practice = obj if isinstance(obj, Practice) else getattr(obj, "practice", None)
    is_patient = obj._meta.label == "patients.Patient"  # identified by its key, never by name
    named = {} if is_patient else {"name": obj.email if isinstance(obj, User) else str(obj)}
    audit.record(
        audit.Action.ADMINISTERED,
        actor=audit.Actor.from_request(request),
        practice=practice,
        patient=obj.pk if is_patient else None,
        details={
            "what": str(obj._meta.verbose_name),
            **named,
            "done": "; ".join(_describe_change(action, target) for part in parts for action, target in part.items())
            or "saved without changes",
        },
    )


def _describe_change(action: str, target: dict[str, Any]) -> str:
    """Describe a change: "changed Email, Active", or an inline row: "changed contact Elena García (Has authority)"."""
    fields = ", ".join(target.get("fields", []))
    if "object" not in target:
        return f"{action} {fields}".strip()
    return f"{action} {target['name']} {target['object']}" + (f" ({fields})" if fields else "")


class ReadOnlyAdmin(PortalAdmin):
    """Show objects without letting anyone edit them."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class _PersonSelect(AutocompleteSelect):
    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        """Ignore keys that are not numbers. Django's own method raises an error for them."""
        return super().optgroups(name, [key for key in value if re.fullmatch(r"[0-9]{1,18}", key)], attr)


class MembershipInline(admin.TabularInline[Membership, Any]):
    model = Membership
    form = StaffModelForm
    extra = 0

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "user":
            kwargs["widget"] = _PersonSelect(db_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class PracticesInline(admin.TabularInline[Membership, Any]):
    model = Membership
    form = StaffModelForm
    verbose_name_plural = "Works at"
    extra = 0


class PracticeForm(StaffModelForm):
    logo = forms.FileField(required=False, help_text="PNG or JPEG, up to 500 kB. Printed on PIN sheets.")
    remove_logo = forms.BooleanField(required=False)

    class Meta:
        model = Practice
        exclude = ()

    def clean_logo(self) -> bytes | None:
        upload = self.cleaned_data["logo"]
        if not upload:
            return None
        try:
            return logos.read(upload)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


@admin.register(Practice)
class PracticeAdmin(PortalAdmin):
    form = PracticeForm
    list_display = ("name", "phone", "email", "time_zone")
    inlines = (MembershipInline,)
    readonly_fields = ("current_logo",)
    fieldsets = (
        (
            None,
            {"fields": ("name", "short_name", "phone", "email", "street", "city", "state", "postal_code", "time_zone")},
        ),
        ("Logo", {"fields": ("current_logo", "logo", "remove_logo")}),
        ("Messages and PIN sheets", {"fields": ("name_on_messages", "sheet_size")}),
        (
            "PINs",
            {"fields": ("pin_profile", "hours_by_email", "hours_by_text", "hours_in_person", "usual_identification")},
        ),
        ("Age rules", {"fields": ("teen_from", "age_of_majority", "minor_age_limit", "at_minor_age_limit")}),
        ("Family pages", {"fields": ("slug", "terms_url", "clinical_portal_url")}),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Practice | None = None) -> bool:
        """Return False: the records of a practice must be kept after it closes."""
        return False

    @admin.display(description="Current logo")
    def current_logo(self, practice: Practice) -> SafeString | str:
        logo = Logo.objects.filter(practice=practice).first()
        return format_html('<img src="{}" alt="Logo" height="64">', logos.data_uri(logo)) if logo else "None"

    def save_model(self, request: HttpRequest, obj: Practice, form: PracticeForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if png := form.cleaned_data.get("logo"):
            Logo.objects.update_or_create(practice=obj, defaults={"png": png})
        elif form.cleaned_data.get("remove_logo"):
            Logo.objects.filter(practice=obj).delete()


class _AddUserForm(StaffMessages, AdminUserCreationForm):  # type: ignore[type-arg]  # not generic at run time
    pass


class _ChangeUserForm(StaffMessages, UserChangeForm[User]):
    pass


class _ChangePasswordForm(StaffMessages, AdminPasswordChangeForm):  # type: ignore[type-arg]
    pass


@admin.register(User)
class UserAdmin(PortalAdmin, DjangoUserAdmin[User]):
    add_form = _AddUserForm
    form = _ChangeUserForm  # type: ignore[assignment]
    change_password_form = _ChangePasswordForm
    ordering = ("email",)
    list_display = ("email", "name", "is_active", "is_staff")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email", "name")
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        ("Access", {"fields": ("is_active", "is_staff")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    inlines = (PracticesInline,)
    add_fieldsets = ((None, {"fields": ("email", "name", "usable_password", "password1", "password2")}),)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        obj.is_superuser = obj.is_staff  # one checkbox for both, because individual permissions are not used
        super().save_model(request, obj, form, change)
        # allauth keeps a copy of the address. The old address must no longer receive password reset codes.
        EmailAddress.objects.filter(user=obj).exclude(email=obj.email).delete()

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Return False: the audit trail refers to users. Administrators deactivate a user who leaves."""
        return False


@admin.register(UserSession)
class UserSessionAdmin(PortalAdmin):
    raw_id_fields = ("user",)
    list_display = ("user", "created_at", "last_seen_at", "ip", "user_agent")


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "actor_name", "action", "practice", "patient_id", "address")
    list_filter = ("action", "practice")
    search_fields = ("actor_name", "=patient_id")
    date_hierarchy = "at"
    fieldsets = (
        (
            None,
            {
                "fields": ("number", "at", "actor_name", "address", "action", "practice", "patient_id", "details"),
                "description": "To check whether events were changed or removed, run “manage.py verify_audit”.",
            },
        ),
    )


@admin.register(Authenticator)
class AuthenticatorAdmin(ReadOnlyAdmin):
    """Let an administrator remove a second factor that a user lost. The factor's secret is never shown."""

    list_display = ("user", "type", "created_at", "last_used_at")
    fields = ("user", "type", "created_at", "last_used_at")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_staff)
