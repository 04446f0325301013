"""Migration 0005 replaces stored sentences with codes, and restores them when it is reversed."""

from typing import Any, Final

import pytest
from django.apps.registry import Apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from registration.models import Association, EndCode, Registration
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE: Final = [("registration", "0004_for_a_large_practice")]
SENTENCES: Final = {
    EndCode.DECLINED: "The family declined the portal.",
    EndCode.INELIGIBLE: "The patient is deceased or inactive.",
    EndCode.CONTACT_LOST_AUTHORITY: "The contact may not see the record any more.",
    EndCode.SENT_AGAIN: "It was sent again.",
    EndCode.REISSUED: "A new registration was issued.",
    EndCode.TOO_MANY_ATTEMPTS: "Too many wrong tries.",
    EndCode.RESEND_CLAIMED: "Another one of the same was claimed.",
    EndCode.MATCHED: "The family registered without it, and the match was made.",
}
TYPED: Final = "Sent to the wrong address."
NEEDS_RENEWAL: Final = "Needs renewal: the patient has come of age."


def migrate(targets: Any) -> Apps:
    executor = MigrationExecutor(connection)
    executor.migrate(targets)
    return MigrationExecutor(connection).loader.project_state(targets).apps


@pytest.fixture
def latest() -> Any:
    """Return the latest migrations of all apps, and apply them again after the test."""
    targets = MigrationExecutor(connection).loader.graph.leaf_nodes()
    yield targets
    migrate(targets)


def an_ended_registration(patient: Any, actor: Any, **columns: str) -> None:
    registration = factories.issue_registration(patient, actor=actor)
    Registration.objects.filter(pk=registration.pk).update(state="revoked", **columns)


def reasons(registrations: Any) -> set[tuple[str, str]]:
    return set(registrations.values_list("end_code", "end_reason"))


def test_end_codes_are_restored_to_sentences_and_back(patient: Any, actor: Any, latest: Any) -> None:
    for code in EndCode:
        an_ended_registration(patient, actor, end_code=code)
    an_ended_registration(patient, actor, end_reason=TYPED)

    old_apps = migrate(BEFORE)
    old_registrations = old_apps.get_model("registration", "Registration").objects
    assert set(old_registrations.values_list("end_reason", flat=True)) == {*SENTENCES.values(), TYPED}

    migrate(latest)
    assert reasons(Registration.objects) == {*((code.value, "") for code in EndCode), ("", TYPED)}


def test_renewal_is_restored_to_a_sentence_and_back(patient: Any, latest: Any) -> None:
    account, father = factories.an_account(), factories.an_account("pablo@families.example", "Pablo", "López")
    renewal = factories.an_association(account, patient, ending=Association.Ending.RENEWAL)
    by_age = factories.an_association(father, patient, ending=Association.Ending.AGE)

    old_apps = migrate(BEFORE)
    old_associations = old_apps.get_model("registration", "Association").objects
    assert set(old_associations.values_list("pk", "ending", "end_reason")) == {
        (renewal.pk, "age", NEEDS_RENEWAL),
        (by_age.pk, "age", ""),
    }

    migrate(latest)
    assert set(Association.objects.values_list("pk", "ending", "end_reason")) == {
        (renewal.pk, "renewal", ""),
        (by_age.pk, "age", ""),
    }
