"""The words that staff see for a registration's states and methods."""

from typing import Final

from registration.models import Registration

Method = Registration.Method
State = Registration.State

# The words for what the family uses to get in, by method.
_KEY_NOUNS: Final = {Method.PIN: "PIN", Method.QUESTION: "link", Method.ACCOUNT: "offer"}
_KINDS: Final = {Method.PIN: "PIN", Method.QUESTION: "Verification Question", Method.ACCOUNT: "Account offer"}
_ACTIVE: Final = {Method.PIN: "PIN active", Method.QUESTION: "Question active", Method.ACCOUNT: "Offer open"}
_LABELS: Final = {
    State.SUPERSEDED: "Replaced",
    State.REVOKED: "Revoked",
    State.EXPIRED: "Expired",
    State.LOCKED: "Locked",
    State.CLAIMED: "Used",
}
_TONES: Final = {
    State.PENDING: "waiting",
    State.SUPERSEDED: "quiet",
    State.REVOKED: "bad",
    State.EXPIRED: "quiet",
    State.LOCKED: "bad",
    State.CLAIMED: "good",
}


def state_of(registration: Registration) -> Registration.State:
    """Return the current state. A registration may have expired before the worker marks it as expired."""
    state = State(registration.state)
    return State.EXPIRED if state == State.PENDING and not registration.is_live else state


def state_label(registration: Registration) -> str:
    state = state_of(registration)
    return _ACTIVE[Method(registration.method)] if state == State.PENDING else _LABELS[state]


def state_tone(registration: Registration) -> str:
    return _TONES[state_of(registration)]


def kind(registration: Registration) -> str:
    """Return what was issued, as a heading: "PIN", "Verification Question", "Account offer"."""
    return _KINDS[Method(registration.method)]


def key_noun(registration: Registration) -> str:
    """Return the word for what the family uses to get in, for use inside a sentence: "PIN", "link", "offer"."""
    return _KEY_NOUNS[Method(registration.method)]
