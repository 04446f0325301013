"""Create, find and change families' portal accounts."""

from dataclasses import dataclass
from typing import Final

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.utils import timezone

from portal import audit
from portal.audit import Action, Actor
from portal.models import User
from registration.models import PortalAccount

_MAX_NAME_LENGTH: Final = 150  # the length of User.name


class EmailTaken(Exception):
    """An account with this email address already exists. Tell this only to someone who proved that they own the address."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Details:
    """The details of a new account. `password_hash` is None if the person will use a passkey. `terms` is the version accepted."""

    email: str
    password_hash: str | None
    given_names: str
    family_name: str
    phone: str = ""
    language: str = "en"
    terms: str


@transaction.atomic
def create(details: Details, *, address: str | None) -> PortalAccount:
    """Create a user and their portal account. The email address must be verified already. Raises EmailTaken."""
    account = make(details)
    record_created(account, address=address)
    return account


def make(details: Details) -> PortalAccount:
    """Create a user and account inside a larger transaction, which must end with a call to `record_created`.

    That call locks the audit trail of the whole installation, which has to be locked last.
    """
    user = User(
        email=details.email.strip().lower(),
        name=f"{details.given_names} {details.family_name}".strip()[:_MAX_NAME_LENGTH],
    )
    if details.password_hash is None:
        user.set_unusable_password()
    else:
        user.password = details.password_hash
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError:
        raise EmailTaken from None
    return _account_of(user, details)


@transaction.atomic
def create_for(user: User, details: Details, *, address: str | None) -> PortalAccount:
    """Return the portal account of an existing user, such as a staff member. Create one if there is none."""
    if account := for_user(user):
        return account
    account = _account_of(user, details)
    record_created(account, address=address)
    return account


def record_created(account: PortalAccount, *, address: str | None) -> None:
    actor = actor_for(account, address)
    audit.record(Action.ACCOUNT_CREATED, actor=actor, practice=None, details={"terms": account.terms})


def actor_for(account: PortalAccount, address: str | None) -> Actor:
    return Actor(user=account.user, name=account.email, address=address)


def _account_of(user: User, details: Details) -> PortalAccount:
    account, _ = PortalAccount.objects.get_or_create(
        user=user,
        defaults={
            "given_names": details.given_names,
            "family_name": details.family_name,
            "phone": details.phone,
            "language": details.language,
            "terms": details.terms,
            "terms_accepted_at": timezone.now(),
        },
    )
    return account


def for_user(user: User) -> PortalAccount | None:
    return PortalAccount.objects.select_related("user").filter(user=user).first()


def by_email(email: str) -> PortalAccount | None:
    """Find the account with this email address. Only for staff, because the answer reveals that the account exists."""
    return PortalAccount.objects.select_related("user").filter(user__email=email.strip().lower()).first()


def is_known(email: str) -> bool:
    """Return True if an account has this address. Call only after the person has proved that they own the address."""
    return User.objects.filter(email=email.strip().lower()).exists()


@transaction.atomic
def change(
    account: PortalAccount,
    *,
    actor: Actor,
    given_names: str | None = None,
    family_name: str | None = None,
    phone: str | None = None,
    language: str | None = None,
    email: str | None = None,
) -> PortalAccount:
    """Change the given fields. A new email address must be verified already. Raises EmailTaken."""
    account = PortalAccount.objects.select_for_update(of=("self",)).select_related("user").get(pk=account.pk)
    new = {"given_names": given_names, "family_name": family_name, "phone": phone, "language": language}
    changed = [name for name, value in new.items() if value is not None and value != getattr(account, name)]
    for name in changed:
        setattr(account, name, new[name])
    account.save(update_fields=changed)
    user = account.user
    user.name = account.name[:_MAX_NAME_LENGTH]
    if email is not None and email.strip().lower() != user.email:
        user.email = email.strip().lower()
        changed.append("email")
    try:
        with transaction.atomic():
            user.save(update_fields=["name", "email"])
    except IntegrityError:
        raise EmailTaken from None
    # Delete allauth's copy of the replaced address, so that it can no longer receive a code to reset the password.
    EmailAddress.objects.filter(user=user).exclude(email=user.email).delete()
    if changed:
        audit.record(Action.ACCOUNT_CHANGED, actor=actor, practice=None, details={"changed": ", ".join(changed)})
    return account
