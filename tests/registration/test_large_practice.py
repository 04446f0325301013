"""With hundreds of thousands of registrations, what is asked all day begins at the few that matter."""

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
from tests.registration.issuing.test_registrations import issue, of

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
def test_whether_anything_is_due_is_a_look_into_three_indexes() -> None:
    moment = connection.ops.adapt_datetimefield_value(timezone.now())
    found = plan(lifecycle._IS_ANYTHING_DUE, {"now": moment, "finish": moment})
    for index in ("registration_to_expire", "association_to_end", "registration_to_supersede"):
        assert index in found, found


@sqlite_alone
def test_a_window_is_found_by_itself(practice: Practice, patient: Patient, mother: Contact, actor: Actor) -> None:
    with CaptureQueriesContext(connection) as sent:
        issue(patient, of(mother), actor)
    (asked,) = [query["sql"] for query in sent if '"form_token" =' in query["sql"] and "patients" not in query["sql"]]
    assert "registration_by_form_token" in plan(asked)


def test_what_ran_out_ends_however_many_there_are(
    practice: Practice, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "_BATCH_SIZE", 2)
    for number in range(5):
        patient = factories.a_patient(practice, f"Given{number}")
        issue(patient, of(factories.a_contact(patient)), actor)
    Registration.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
    lifecycle.expire_due()
    assert set(Registration.objects.values_list("state", flat=True)) == {Registration.State.EXPIRED}
