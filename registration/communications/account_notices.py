"""Emails to a family about its account, in the account's language: one function per notice.

Each function enqueues its notice in the caller's transaction. A notice contains the practice, its phone number and the
initials or first name of a child, as the practice has chosen. It never contains a full name, a date of birth, a reason or
a secret. The texts are in templates/registration/account_notices/.

A suppressed address gets no notice: the function returns None, and the family learns the news when it next signs in. Some
notices are mandatory and sent anyway, so that the owner learns of a change that someone else may have made:
`access_given`, `access_removed`, `access_restored`, `sign_in_reset`, and `access_ends_soon` after a removal by staff.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from uuid import UUID

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext

from notifications import outbox, suppressions
from notifications.models import Channel, OutgoingMessage
from patients import names
from patients.models import Patient
from portal.models import Practice
from portal.phones import national
from registration.communications import languages, welcome
from registration.models import AccessLevel, Association, PortalAccount, SelfRegistration

_BLANK_LINE: Final = re.compile(r"\n\s*\n")


# --- Access ---


def access_given(*, association: Association) -> OutgoingMessage | None:
    """Report new access. Patients claimed with the same registration share one notice."""
    together = [association.patient]
    if association.registration:
        claimed = association.registration.associations.live().filter(account=association.account)
        together = [other.patient for other in claimed.select_related("patient").order_by("patient")]
    return _about_access("access_given", association, patients=together, opens_portal=True, is_mandatory=True)


def access_removed(*, association: Association) -> OutgoingMessage | None:
    return _about_access("access_removed", association, is_mandatory=True)


def access_restored(*, association: Association) -> OutgoingMessage | None:
    return _about_access("access_restored", association, opens_portal=True, is_mandatory=True)


def access_ends_soon(*, association: Association, on: date) -> OutgoingMessage | None:
    """Report that access will end soon. `on` is the last day.

    The notice is mandatory if staff scheduled the removal; otherwise it is only a reminder.
    """
    is_removal = association.ended_by_id is not None
    valid_until = on + timedelta(days=1)
    return _about_access("access_ends_soon", association, on=on, valid_until=valid_until, is_mandatory=is_removal)


def age_limit_coming(*, association: Association, on: date) -> OutgoingMessage | None:
    """Report that the patient will soon reach the age limit. `on` is the birthday.

    The notice does not contain the birthday, but it expires on that day.
    """
    return _about_access("age_limit_coming", association, valid_until=on)


def age_limit_reached(*, association: Association) -> OutgoingMessage | None:
    return _about_access("age_limit_reached", association)


# --- Self-registrations ---


def self_registration_received(*, practice: Practice, account: PortalAccount, who: list[str]) -> OutgoingMessage | None:
    """Confirm a request for access. `who` contains the names that the family typed, but the notice shows only initials."""
    return _enqueue(_Notice("self_registration_received", practice, account, [_initials(name) for name in who]))


def matched(*, self_registration: SelfRegistration, association: Association) -> OutgoingMessage | None:
    return _about_access("matched", association, account=self_registration.account, opens_portal=True)


def match_refused(*, self_registration: SelfRegistration) -> OutgoingMessage | None:
    return _about_request("match_refused", self_registration)


def question_asked(*, self_registration: SelfRegistration) -> OutgoingMessage | None:
    """Report that the practice has a question. The question itself appears only in the portal."""
    return _about_request("question_asked", self_registration, opens_portal=True)


# --- The account itself ---


def sign_in_reset(*, account: PortalAccount, practice: Practice) -> OutgoingMessage | None:
    return _enqueue(_Notice("sign_in_reset", practice, account, opens_portal=True, is_mandatory=True))


# --- Building a notice ---


@dataclass(frozen=True, repr=False)
class _Notice:
    """The content of a notice.

    `template` is the name of the text's template: the subject on the first line, then paragraphs separated by blank
    lines. `on` is the last day of access. The notice is not sent after the start of the day `valid_until`. If
    `is_mandatory` is True, the notice is sent even to a suppressed address.
    """

    template: str
    practice: Practice
    account: PortalAccount
    who: Sequence[str] = ()
    is_own: bool = False
    is_limited: bool = False
    on: date | None = None
    valid_until: date | None = None
    opens_portal: bool = False
    is_mandatory: bool = False
    about: UUID | None = None


def _about_access(
    template: str,
    association: Association,
    *,
    account: PortalAccount | None = None,
    patients: Sequence[Patient] = (),
    on: date | None = None,
    valid_until: date | None = None,
    opens_portal: bool = False,
    is_mandatory: bool = False,
) -> OutgoingMessage | None:
    practice = association.patient.practice
    notice = _Notice(
        template,
        practice,
        account or association.account,
        who=welcome.names_for_message(practice, patients or [association.patient]),
        is_own=association.relationship == Association.Relationship.SELF,
        is_limited=association.level == AccessLevel.LIMITED,
        on=on or (practice.last_day(association.ends_at) if association.ends_at else None),
        valid_until=valid_until,
        opens_portal=opens_portal,
        is_mandatory=is_mandatory,
        about=association.patient_id,
    )
    return _enqueue(notice)


def _about_request(
    template: str, self_registration: SelfRegistration, *, opens_portal: bool = False
) -> OutgoingMessage | None:
    who = [names.initials(self_registration.given_names, self_registration.family_name)]
    practice, account = self_registration.practice, self_registration.account
    return _enqueue(_Notice(template, practice, account, who, opens_portal=opens_portal))


def _enqueue(notice: _Notice) -> OutgoingMessage | None:
    practice = notice.practice
    if not notice.is_mandatory and suppressions.is_suppressed(practice, Channel.EMAIL, notice.account.email):
        return None
    language = languages.best_match(notice.account.language)
    with translation.override(language):
        mail = _write(notice, language)
    return outbox.enqueue(
        practice=practice,
        about=notice.about,
        channel=Channel.EMAIL,
        recipient=notice.account.email,
        shown_recipient=notice.account.email,
        sender_name=practice.name,
        reply_to=practice.email,
        subject=mail.subject,
        text=mail.text,
        html=mail.html,
        valid_until=datetime.combine(notice.valid_until, time(), practice.zone) if notice.valid_until else None,
    )


def _record(who: str, *, is_own: bool) -> str:
    return gettext("your own health records") if is_own else gettext("the health records of %(who)s") % {"who": who}


def _write(notice: _Notice, language: str) -> welcome.Mail:
    """Write the email in `language`, which must be the active language."""
    practice = notice.practice
    who = languages.join(notice.who)
    context = {
        "practice": practice,
        "phone": national(practice.phone),
        "name": notice.account.name,
        "who": who,
        "record": _record(who, is_own=notice.is_own),
        "is_limited": notice.is_limited,
        "on": languages.format_day(notice.on) if notice.on else "",
        "age": practice.minor_age_limit,
        "at_limit": practice.at_minor_age_limit,
        "link": welcome.family_url(language) if notice.opens_portal else "",
    }
    text = render_to_string(f"registration/account_notices/{notice.template}.txt", context).strip()
    subject, *paragraphs = _BLANK_LINE.split(text)
    context |= {"subject": f"{practice.name}: {subject}", "paragraphs": paragraphs}
    return welcome.Mail(
        subject=str(context["subject"]),
        text=render_to_string("registration/account_notices/notice.txt", context),
        html=render_to_string("registration/account_notices/notice.html", context),
    )


def _initials(name: str) -> str:
    """Return the initials of a name, or unchanged initials: "A.L." for both "Ana López" and "A.L."."""
    return names.initials(*re.split(r"[\s.]+", name))
