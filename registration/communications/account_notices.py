"""What a family is written about its account: one function a letter, by e-mail, in the account's language.

Each is enqueued in the caller's transaction. A letter names the practice, its number and, as a message does, the initials
or the first name of a child; never a full name, a date of birth, a reason or a secret.

An address that asked for nothing more gets nothing: the function gives None, and the portal says it when its owner signs
in. Four are sent all the same, because somebody's access or sign-in has changed, and whoever it belongs to has to learn of
it if it was not they: `access_given`, `access_removed`, `access_restored`, `sign_in_reset`; so is a removal that is still
to come.
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
    """Tells of all that the account has by the same registration: children who were claimed together are one letter."""
    together = [association.patient]
    if association.registration:
        claimed = association.registration.associations.live().filter(account=association.account)
        together = [each.patient for each in claimed.select_related("patient").order_by("patient")]
    return _about_access("access_given", association, patients=together, opens_portal=True, is_mandatory=True)


def access_removed(*, association: Association) -> OutgoingMessage | None:
    return _about_access("access_removed", association, is_mandatory=True)


def access_restored(*, association: Association) -> OutgoingMessage | None:
    return _about_access("access_restored", association, opens_portal=True, is_mandatory=True)


def access_ends_soon(*, association: Association, on: date) -> OutgoingMessage | None:
    """`on` is the last day. None where it would only remind, and the address asked for nothing more.

    A removal that somebody wrote down for a later day is no reminder, but told to everybody.
    """
    was_removed = association.ended_by_id is not None
    valid_until = on + timedelta(days=1)
    return _about_access("access_ends_soon", association, on=on, valid_until=valid_until, is_mandatory=was_removed)


def age_limit_coming(*, association: Association, on: date) -> OutgoingMessage | None:
    """`on` is a birthday: it is not told, only not written after."""
    return _about_access("age_limit_coming", association, valid_until=on)


def age_limit_reached(*, association: Association) -> OutgoingMessage | None:
    return _about_access("age_limit_reached", association)


# --- Self-registrations ---


def self_registration_received(*, practice: Practice, account: PortalAccount, who: list[str]) -> OutgoingMessage | None:
    """`who`: the names that the family typed, of which only initials are told."""
    return _enqueue(_Notice("self_registration_received", practice, account, [_initials(each) for each in who]))


def matched(*, self_registration: SelfRegistration, association: Association) -> OutgoingMessage | None:
    return _about_access("matched", association, account=self_registration.account, opens_portal=True)


def match_refused(*, self_registration: SelfRegistration) -> OutgoingMessage | None:
    return _about_request("match_refused", self_registration)


def question_asked(*, self_registration: SelfRegistration) -> OutgoingMessage | None:
    """That there is a question. What it asks is read in the portal alone."""
    return _about_request("question_asked", self_registration, opens_portal=True)


# --- The account itself ---


def sign_in_reset(*, account: PortalAccount, practice: Practice) -> OutgoingMessage | None:
    return _enqueue(_Notice("sign_in_reset", practice, account, opens_portal=True, is_mandatory=True))


# --- How a letter is made ---


@dataclass(frozen=True, repr=False)
class _Notice:
    """`template` is that of its text: the subject in the first line, then paragraphs with blank lines between.

    `on` is the last day of access, `good_until` the day from whose beginning on it is not sent any more. What `is_owed` is
    sent to everybody, also to an address that asked for nothing more.
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
    letter = _Notice(
        template,
        practice,
        account or association.account,
        who=welcome.names_for_message(practice, patients or [association.patient]),
        is_own=association.relationship == Association.Relationship.SELF,
        is_limited=association.level == AccessLevel.LIMITED,
        on=on or _last_day(association, practice),
        valid_until=valid_until,
        opens_portal=opens_portal,
        is_mandatory=is_mandatory,
        about=association.patient_id,
    )
    return _enqueue(letter)


def _about_request(template: str, asked: SelfRegistration, *, opens_portal: bool = False) -> OutgoingMessage | None:
    who = [names.initials(asked.given_names, asked.family_name)]
    return _enqueue(_Notice(template, asked.practice, asked.account, who, opens_portal=opens_portal))


def _enqueue(letter: _Notice) -> OutgoingMessage | None:
    practice = letter.practice
    if not letter.is_mandatory and suppressions.is_suppressed(practice, Channel.EMAIL, letter.account.email):
        return None
    language = languages.best_match(letter.account.language)
    with translation.override(language):
        mail = _write(letter, language)
    return outbox.enqueue(
        practice=practice,
        about=letter.about,
        channel=Channel.EMAIL,
        recipient=letter.account.email,
        shown_recipient=letter.account.email,
        sender_name=practice.name,
        reply_to=practice.email,
        subject=mail.subject,
        text=mail.text,
        html=mail.html,
        valid_until=datetime.combine(letter.valid_until, time(), practice.zone) if letter.valid_until else None,
    )


def _write(letter: _Notice, language: str) -> welcome.Mail:
    """In `language`, which is active."""
    practice = letter.practice
    who = languages.join(letter.who)
    facts = {
        "practice": practice,
        "phone": national(practice.phone),
        "name": letter.account.name,
        "who": who,
        "record": gettext("your own record") if letter.is_own else gettext("the record of %(who)s") % {"who": who},
        "is_limited": letter.is_limited,
        "on": languages.format_day(letter.on) if letter.on else "",
        "age": practice.minor_age_limit,
        "at_limit": practice.at_minor_age_limit,
        "link": welcome.family_url(language) if letter.opens_portal else "",
    }
    said = render_to_string(f"registration/account_notices/{letter.template}.txt", facts).strip()
    about, *paragraphs = _BLANK_LINE.split(said)
    facts |= {"subject": f"{practice.name}: {about}", "paragraphs": paragraphs}
    return welcome.Mail(
        subject=str(facts["subject"]),
        text=render_to_string("registration/account_notices/notice.txt", facts),
        html=render_to_string("registration/account_notices/notice.html", facts),
    )


def _last_day(association: Association, practice: Practice) -> date | None:
    ends_at = association.ends_at
    return (ends_at - timedelta(microseconds=1)).astimezone(practice.zone).date() if ends_at else None


def _initials(name: str) -> str:
    """Of a name, or of initials: "Ana López" and "A.L." both give "A.L."."""
    return names.initials(*re.split(r"[\s.]+", name))
