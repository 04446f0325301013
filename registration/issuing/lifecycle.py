"""End unclaimed registrations: staff revoke one, one expires, a resend replaces one, or one is no longer eligible.

Each function is one transaction. It takes locks in the order that `registrations` describes.
"""

from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from notifications import outbox
from notifications.models import OutgoingMessage
from patients import same_person
from patients.models import Patient
from portal import audit
from portal.audit import Action, Actor
from portal.models import User
from registration.access import associations, authority, portal_status
from registration.models import Association, EndCode, PinDisplay, Registration, RegistrationQuerySet
from registration.models.registration import FINISH_WITHIN, end_columns, end_text

State = Registration.State

_BATCH_SIZE: Final = 500


def revoke(registration: Registration, *, reason: EndCode | str, actor: Actor) -> bool:
    """Revoke a registration that can still be claimed, and cancel its queued message.

    Return False if the registration had already ended. Only staff may revoke. The pages that call this require
    Permission.REVOKE_REGISTRATION (`portal.access`), but recording a decline also revokes registrations. Raises if the
    actor is not a person.
    """
    return _revoke(registration, reason=reason, by=actor.require_user(), actor=actor)


def contact_lost_authority(registration: Registration, patient: Patient) -> bool:
    """Return True if the contact has lost authority to see this patient's record and staff did not override that.

    A family contact has one row per child. This patient's row counts. If there is none, the row that staff chose
    counts.
    """
    contact = registration.contact
    if contact is None:
        return False
    rows = [row for row in same_person.contact_rows_for(contact) if row.patient_id == patient.pk] or [contact]
    if not any(row.is_current for row in rows):
        return True
    return not all(row.has_authority for row in rows) and not authority.is_overridden(registration, patient)


def revoke_ineligible() -> None:
    """Revoke registrations that would be refused today because the patient died or left, or the contact lost authority."""
    ineligible = Registration.objects.unfinished().filter(Q(patients__deceased=True) | Q(patients__active=False))
    for registration in ineligible.select_related("practice").distinct():
        _revoke(registration, reason=EndCode.INELIGIBLE, by=None, actor=audit.CLOCK)
    for registration in _possibly_barred():
        if any(contact_lost_authority(registration, patient) for patient in registration.patients.all()):
            _revoke(registration, reason=EndCode.CONTACT_LOST_AUTHORITY, by=None, actor=audit.CLOCK)


def _possibly_barred() -> QuerySet[Registration]:
    """Find registrations for which the contact may lack authority, or another contact with the same email or phone may."""
    rows = "patients__contacts__"
    is_same_person = (
        Q(**{f"{rows}pk": F("contact")})
        | Q(**{f"{rows}email_key": F("contact__email_key")}) & ~Q(contact__email_key="")
        | Q(**{f"{rows}phone_key": F("contact__phone_key")}) & ~Q(contact__phone_key="")
    )
    barred = Q(**{f"{rows}has_authority": False}) | Q(**{f"{rows}active": False}) | Q(**{f"{rows}in_source": False})
    gone = Q(contact__active=False) | Q(contact__in_source=False) | Q(contact__has_authority=False)
    found = Registration.objects.unfinished().filter(gone | (is_same_person & barred))
    return found.select_related("practice", "contact").prefetch_related("patients").distinct()


def has_accepted_replacement() -> Exists:
    """Match registrations that have a resend whose message the mail server or text service has accepted.

    A resend does not count if it was revoked before its message was accepted.
    """
    newer = Registration.objects.filter(replaces=OuterRef("pk"), message__state=OutgoingMessage.State.ACCEPTED)
    return Exists(newer.exclude(state=State.REVOKED))


# Raw SQL because this runs before every patient list and almost never finds anything. MIN() uses the index; with EXISTS,
# PostgreSQL assumes a match is common and scans the table. CROSS JOIN keeps SQLite in the written order, so that it starts
# with the few registrations that were sent again.
_IS_ANYTHING_DUE: Final = """
    SELECT
        (SELECT MIN(expires_at) FROM {registration} WHERE state = 'pending') <= %(now)s
        OR (SELECT MIN(ends_at) FROM {association} WHERE ended_at IS NULL) <= %(now)s
        OR EXISTS (
            SELECT 1
            FROM {registration} earlier
            CROSS JOIN {registration} newer
            CROSS JOIN {message} message
            WHERE earlier.sent_again
                AND earlier.state IN ('pending', 'expired')
                AND earlier.expires_at > %(finish_limit)s
                AND newer.replaces_id = earlier.id
                AND newer.state <> 'revoked'
                AND message.id = newer.message_id
                AND message.state = 'accepted'
        )
"""


def end_due() -> None:
    """End every registration that has expired or been replaced. Call before portal statuses are read."""
    if _is_anything_due():
        supersede_replaced()
        expire_due()


def _is_anything_due() -> bool:
    now = timezone.now()
    moments = {"now": now, "finish_limit": now - FINISH_WITHIN}
    with connection.cursor() as cursor:
        cursor.execute(
            _due_query(),
            {name: connection.ops.adapt_datetimefield_value(moment) for name, moment in moments.items()},
        )
        row: tuple[Any, ...] = cursor.fetchone()
    return bool(row[0])


def _due_query() -> str:
    models = {"registration": Registration, "association": Association, "message": OutgoingMessage}
    quote = connection.ops.quote_name
    return _IS_ANYTHING_DUE.format(**{name: quote(model._meta.db_table) for name, model in models.items()})


def supersede_replaced() -> None:
    """End registrations that have a resend whose message was accepted."""
    for registration in _replaced().select_related("practice"):
        with transaction.atomic():
            patients = portal_status.lock(registration.practice, list(registration.patients.all()))
            ended = _supersede(_replaced().filter(pk=registration.pk))
            portal_status.refresh(patients)
            _record_superseded(ended)


def _replaced() -> RegistrationQuerySet:
    found = Registration.objects.unfinished().filter(has_accepted_replacement(), sent_again=True)
    assert isinstance(found, RegistrationQuerySet)
    return found


def _supersede(replaced: RegistrationQuerySet) -> list[Registration]:
    ended = replaced.end(State.SUPERSEDED, reason=EndCode.SENT_AGAIN)
    for registration in ended:
        if registration.message:
            outbox.cancel(registration.message)
    return ended


def _record_superseded(registrations: list[Registration]) -> None:
    for registration in registrations:
        registration.record(Action.REGISTRATION_SUPERSEDED, actor=audit.CLOCK)


def expire_due() -> None:
    """End registrations and access whose time has run out. If there are none, this costs two index lookups."""
    associations.end_due()
    # Ordered like the index; otherwise PostgreSQL scans the table because it overestimates how many are due.
    while batch := list(_due().select_related("practice").order_by("expires_at")[:_BATCH_SIZE]):
        for registration in batch:
            _expire(registration)


def _due() -> RegistrationQuerySet:
    return Registration.objects.filter(state=State.PENDING, expires_at__lte=timezone.now())


def _expire(registration: Registration) -> None:
    with transaction.atomic():
        patients = portal_status.lock(registration.practice, list(registration.patients.all()))
        if _due().filter(pk=registration.pk).update(state=State.EXPIRED, ended_at=registration.expires_at):
            portal_status.refresh(patients)
            registration.record(Action.REGISTRATION_EXPIRED, actor=audit.CLOCK)


@transaction.atomic
def _revoke(registration: Registration, *, reason: EndCode | str, by: User | None, actor: Actor) -> bool:
    patients = portal_status.lock(registration.practice, list(registration.patients.all()))
    earlier = list(_replaced().filter(replacements=registration).values_list("pk", flat=True))
    unfinished = Registration.objects.filter(pk=registration.pk).unfinished()
    if not unfinished.update(state=State.REVOKED, ended_at=timezone.now(), ended_by=by, **end_columns(reason)):
        return False
    # Revoking the resend must not make the registration that it replaced valid again.
    superseded = _supersede(Registration.objects.filter(pk__in=earlier).unfinished())
    PinDisplay.objects.filter(registration=registration).delete()
    portal_status.refresh(patients)
    is_canceled = registration.message is not None and outbox.cancel(registration.message)
    _record_superseded(superseded)
    registration.record(
        Action.REGISTRATION_REVOKED, actor=actor, reason=end_text(reason), message_cancelled=is_canceled
    )
    return True
