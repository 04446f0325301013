"""Recently opened accounts: the last ten of each staff member, the latest first."""

from django.test import Client

from patients import recent
from patients.models import Patient, RecentlyOpened
from portal.models import Practice, User
from tests import factories


def open_account(desk: Client, patient: Patient) -> None:
    assert desk.get(patient.get_absolute_url()).status_code == 200


def test_last_ten_accounts_are_kept_and_a_reopened_one_comes_first(
    desk: Client, practice: Practice, front_desk: User
) -> None:
    patients = [factories.a_patient(practice, f"Child {number}", "Olson") for number in range(12)]
    for patient in [*patients, patients[5]]:
        open_account(desk, patient)
    opened = [patients[5], *(patient for patient in patients[:1:-1] if patient != patients[5])]
    assert recent.recently_opened(practice, user=front_desk) == opened
    assert RecentlyOpened.objects.count() == recent.MAX_KEPT


def test_dashboard_lists_only_ones_own_recent_accounts(
    desk: Client, practice: Practice, other_practice: Practice
) -> None:
    assert "Recently opened by you" not in desk.get("/").content.decode()
    mine, theirs = factories.a_patient(practice), factories.a_patient(practice, "Ann", "Olson")
    elsewhere = factories.a_patient(other_practice, "Ben", "Berg")
    colleague = factories.a_member(practice, email="colleague@maplegrove.example")
    recent.record(theirs, user=colleague)
    recent.record(elsewhere, user=factories.a_member(other_practice, email="desk@harborstreet.example"))
    open_account(desk, mine)
    html = desk.get("/").content.decode()
    assert f'href="{mine.get_absolute_url()}"' in html
    assert "Olson, Ann" not in html
    assert "Berg, Ben" not in html


def test_patient_of_another_practice_is_not_recorded(desk: Client, other_practice: Practice) -> None:
    stranger = factories.a_patient(other_practice)
    assert desk.get(stranger.get_absolute_url()).status_code == 404
    assert not RecentlyOpened.objects.exists()


def test_recent_accounts_are_separate_for_each_practice(
    practice: Practice, other_practice: Practice, front_desk: User
) -> None:
    here, there = factories.a_patient(practice), factories.a_patient(other_practice)
    for patient in (here, there):
        recent.record(patient, user=front_desk)
    assert recent.recently_opened(practice, user=front_desk) == [here]
    assert recent.recently_opened(other_practice, user=front_desk) == [there]
