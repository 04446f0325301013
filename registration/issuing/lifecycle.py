"""How a registration ends before it is claimed: somebody revokes it, its time runs out, or it would be refused by now.

Each is one transaction, with the locks in the order that `issuing` takes them in.
"""

from typing import Final

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from notifications import outbox
from notifications.models import OutgoingMessage
from patients import same_person as siblings
from patients.models import Patient
from portal import audit
from portal.audit import Action, Actor
from portal.models import User
from registration.access import associations, authority, portal_status
from registration.models import PinDisplay, Registration, RegistrationQuerySet
from registration.models.registration import FINISH_WITHIN

State = Registration.State

_BATCH_SIZE: Final = 500


def revoke(registration: Registration, *, reason: str, actor: Actor) -> bool:
    """Ends a registration that may still be claimed and takes back what is still queued. False where it had ended."""
    if actor.user is None:
        raise PermissionError("A registration is revoked by a person.")
    return _revoke(registration, reason=reason, by=actor.user, actor=actor)


def contact_lost_authority(registration: Registration, patient: Patient) -> bool:
    """Whether whoever it was issued to may not see the record of this patient by now, and the desk was not asked.

    A family contact has a row with each child: that of this patient counts, or the one that was chosen where there is none.
    """
    contact = registration.contact
    if contact is None:
        return False
    rows = [each for each in siblings.contact_rows_for(contact) if each.patient_id == patient.pk] or [contact]
    if not any(each.is_current for each in rows):
        return True
    return not all(each.has_authority for each in rows) and not authority.was_asked(registration, patient)


def revoke_ineligible() -> None:
    """Revokes what would be refused today: the patient died or left, the contact may not see the record any more."""
    unfit = Registration.objects.unfinished().filter(Q(patients__deceased=True) | Q(patients__active=False))
    for registration in unfit.select_related("practice").distinct():
        _revoke(registration, reason="The patient is deceased or inactive.", by=None, actor=audit.CLOCK)
    for registration in _possibly_barred():
        if any(contact_lost_authority(registration, each) for each in registration.patients.all()):
            reason = "The contact may not see the record any more."
            _revoke(registration, reason=reason, by=None, actor=audit.CLOCK)


def _possibly_barred() -> QuerySet[Registration]:
    """Those whose contact, or somebody with the same address or number, may not see the record of one of the patients."""
    rows = "patients__contacts__"
    same_person = (
        Q(**{f"{rows}pk": F("contact")})
        | Q(**{f"{rows}email_key": F("contact__email_key")}) & ~Q(contact__email_key="")
        | Q(**{f"{rows}phone_key": F("contact__phone_key")}) & ~Q(contact__phone_key="")
    )
    barred = Q(**{f"{rows}has_authority": False}) | Q(**{f"{rows}active": False}) | Q(**{f"{rows}in_source": False})
    gone = Q(contact__active=False) | Q(contact__in_source=False) | Q(contact__has_authority=False)
    found = Registration.objects.unfinished().filter(gone | (same_person & barred))
    return found.select_related("practice", "contact").prefetch_related("patients").distinct()


def has_accepted_replacement() -> Exists:
    """Of those that were sent again: that the newer message was accepted, with which the earlier key ends.

    A newer one that was revoked before its message was accepted takes nothing away.
    """
    newer = Registration.objects.filter(replaces=OuterRef("pk"), message__state=OutgoingMessage.State.ACCEPTED)
    return Exists(newer.exclude(state=State.REVOKED))


# In one statement and by hand: it is asked before every list of patients, and hardly ever is anything due. The earliest
# moment is the first in an index; asked whether there EXISTS an earlier one, PostgreSQL thinks that it finds one anywhere
# and reads the table. What was sent again is in an index of a few: SQLite keeps to the order of a CROSS JOIN, and begins there.
_IS_ANYTHING_DUE: Final = """
    SELECT (SELECT MIN(expires_at) FROM registration_registration WHERE state = 'pending') <= %(now)s
        OR (SELECT MIN(ends_at) FROM registration_association WHERE ended_at IS NULL) <= %(now)s
        OR EXISTS (
            SELECT 1 FROM registration_registration earlier
            CROSS JOIN registration_registration newer
            CROSS JOIN notifications_outgoingmessage message
            WHERE earlier.sent_again AND earlier.state IN ('pending', 'expired') AND earlier.expires_at > %(finish)s
                AND newer.replaces_id = earlier.id AND newer.state <> 'revoked'
                AND message.id = newer.message_id AND message.state = 'accepted'
        )
"""


def end_due() -> None:
    """What has run out, and what was sent again and arrived; called before statuses are read."""
    moments = {"now": timezone.now(), "finish": timezone.now() - FINISH_WITHIN}
    with connection.cursor() as cursor:
        cursor.execute(
            _IS_ANYTHING_DUE,
            {name: connection.ops.adapt_datetimefield_value(moment) for name, moment in moments.items()},
        )
        (is_anything,) = cursor.fetchone()
    if is_anything:
        supersede_replaced()
        expire_due()


def supersede_replaced() -> None:
    """Ends what was sent again, once the newer message was accepted."""
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
    ended = replaced.end(State.SUPERSEDED, reason="It was sent again.")
    for each in ended:
        if each.message:
            outbox.cancel(each.message)
    return ended


def _record_superseded(registrations: list[Registration]) -> None:
    for each in registrations:
        each.record(Action.REGISTRATION_SUPERSEDED, actor=audit.CLOCK)


def expire_due() -> None:
    """Ends what has run out. A look into an index each where nothing has."""
    associations.end_due()
    # In the order of the index: PostgreSQL would read the table for as many as it thinks are due.
    while some := list(_due().select_related("practice").order_by("expires_at")[:_BATCH_SIZE]):
        for registration in some:
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
def _revoke(registration: Registration, *, reason: str, by: User | None, actor: Actor) -> bool:
    patients = portal_status.lock(registration.practice, list(registration.patients.all()))
    earlier = list(_replaced().filter(replacements=registration).values_list("pk", flat=True))
    mine = Registration.objects.filter(pk=registration.pk).unfinished()
    if not mine.update(state=State.REVOKED, ended_at=timezone.now(), ended_by=by, end_reason=reason):
        return False
    superseded = _supersede(Registration.objects.filter(pk__in=earlier).unfinished())  # or it would come back now
    PinDisplay.objects.filter(registration=registration).delete()
    portal_status.refresh(patients)
    taken_back = registration.message is not None and outbox.cancel(registration.message)
    _record_superseded(superseded)
    registration.record(Action.REGISTRATION_REVOKED, actor=actor, reason=reason, message_cancelled=taken_back)
    return True
