"""Find the practice that a family page belongs to: its name, phone number, logo and terms."""

from io import BytesIO
from typing import Final, cast
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from PIL import Image

from portal.models import Logo, Practice
from registration.family.decorators import current_account
from registration.family.signup import drafts
from registration.models import Registration

_SESSION_KEY: Final = "family_practice"
_LOGO_SIDE: Final = 88  # pixels; shown at 44


def find(request: HttpRequest) -> Practice | None:
    """Return the practice of this page, or None if several are possible.

    Return the first of these that exists: the practice in the link, the practice of the opened registration or request,
    the practice chosen earlier, the signed-in family's only practice, this installation's only practice.
    """
    if not hasattr(request, "_family_practice"):
        request._family_practice = (  # type: ignore[attr-defined]
            _from_link(request) or _from_draft(request) or _chosen(request) or _from_account(request) or _only_one()
        )
    return cast(Practice | None, request._family_practice)  # type: ignore[attr-defined]


def find_without_query(request: HttpRequest) -> Practice | None:
    """Return the practice if `find` has run during this request; never query the database."""
    return cast(Practice | None, getattr(request, "_family_practice", None))


def choose(request: HttpRequest, practice: Practice) -> None:
    request.session[_SESSION_KEY] = str(practice.pk)
    request._family_practice = practice  # type: ignore[attr-defined]


def all_practices() -> list[Practice]:
    return list(Practice.objects.all())


def get(practice_id: str | UUID) -> Practice | None:
    try:
        return Practice.objects.filter(pk=practice_id).first()
    except (ValidationError, ValueError):
        return None


def small_logo(slug: str) -> bytes | None:
    """Return the practice's logo as a PNG with sides of at most 88 pixels."""
    logo = Logo.objects.filter(practice__slug=slug).first()
    if logo is None:
        return None
    png = BytesIO()
    with Image.open(BytesIO(bytes(logo.png)), formats=["PNG"]) as image:
        image.thumbnail((_LOGO_SIDE, _LOGO_SIDE))
        image.save(png, "PNG", optimize=True)
    return png.getvalue()


def _from_link(request: HttpRequest) -> Practice | None:
    slug = request.GET.get("practice", "")
    practice = Practice.objects.filter(slug=slug).first() if slug and "\0" not in slug else None
    if practice and request.session.get(_SESSION_KEY) != str(practice.pk):
        choose(request, practice)
    return practice


def _from_draft(request: HttpRequest) -> Practice | None:
    draft = drafts.load(request)
    if draft.is_without_pin and draft.practice_id:
        return get(draft.practice_id)
    if key := draft.key:
        registration = Registration.objects.select_related("practice").filter(pk=key.registration_id).first()
        return registration.practice if registration else None
    return None


def _chosen(request: HttpRequest) -> Practice | None:
    practice_id = request.session.get(_SESSION_KEY)
    return get(practice_id) if practice_id else None


def _from_account(request: HttpRequest) -> Practice | None:
    account = current_account(request)
    if account is None:
        return None
    practices = Practice.objects.filter(pk__in=account.associations.live().values("patient__practice"))[:2]
    return practices[0] if len(practices) == 1 else None


def _only_one() -> Practice | None:
    practices = Practice.objects.all()[:2]
    return practices[0] if len(practices) == 1 else None
