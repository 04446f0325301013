"""Frequent queries use an index, even with hundreds of thousands of registrations."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from patients.models import Contact, Patient
from portal.audit import Actor
from portal.models import Practice
from registration.issuing import lifecycle
from registration.models import Registration
from tests import factories
from tests.factories import issue_registration

sqlite_alone = pytest.mark.skipif(
    connection.vendor != "sqlite",
    reason="Of tables as small as here PostgreSQL takes any index; make bench has its pages",
)


def plan(sql: str, values: Any = None) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}", values)
        return "\n".join(row[3] for row in cursor.fetchall())


@sqlite_alone
@pytest.mark.django_db
def test_due_check_uses_three_indexes() -> None:
    moment = connection.ops.adapt_datetimefield_value(timezone.now())
    found = plan(lifecycle._due_query(), {"now": moment, "finish_limit": moment})
    for index in ("registration_to_expire", "association_to_end", "registration_to_supersede"):
        assert index in found, found


@sqlite_alone
def test_form_token_lookup_uses_its_index(practice: Practice, patient: Patient, mother: Contact, actor: Actor) -> None:
    with CaptureQueriesContext(connection) as sent:
        issue_registration(patient, mother, actor=actor)
    statements = [query["sql"] for query in sent]
    (lookup,) = [sql for sql in statements if '"form_token" =' in sql and "patients" not in sql]
    assert "registration_by_form_token" in plan(lookup)


def test_expiry_ends_more_than_one_batch(practice: Practice, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "_BATCH_SIZE", 2)
    for number in range(5):
        patient = factories.a_patient(practice, f"Given{number}")
        issue_registration(patient, factories.a_contact(patient), actor=actor)
    Registration.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
    lifecycle.expire_due()
    assert set(Registration.objects.values_list("state", flat=True)) == {Registration.State.EXPIRED}
