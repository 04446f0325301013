"""Which practice a family's page speaks for."""

from io import BytesIO
from typing import Final, cast
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from PIL import Image

from portal.models import Logo, Practice
from registration.family.decorators import current_account
from registration.family.signup import draft as drafts
from registration.models import Registration

_KEY: Final = "family_practice"
_LOGO_SIDE: Final = 88  # pixels; shown at 44


def current(request: HttpRequest) -> Practice | None:
    """The one that a link named, or that the opened registration is of, or the family's only one, or the only one there is."""
    if not hasattr(request, "_family_practice"):
        request._family_practice = (  # type: ignore[attr-defined]
            _named(request) or _of_draft(request) or _kept(request) or _of_account(request) or _only()
        )
    return cast(Practice | None, request._family_practice)  # type: ignore[attr-defined]


def found_before(request: HttpRequest) -> Practice | None:
    """The same, where it was found already: the database is not asked."""
    return cast(Practice | None, getattr(request, "_family_practice", None))


def choose(request: HttpRequest, practice: Practice) -> None:
    request.session[_KEY] = str(practice.pk)
    request._family_practice = practice  # type: ignore[attr-defined]


def all_practices() -> list[Practice]:
    return list(Practice.objects.all())


def find(key: str | UUID) -> Practice | None:
    try:
        return Practice.objects.filter(pk=key).first()
    except (ValidationError, ValueError):
        return None


def small_logo(slug: str) -> bytes | None:
    """A PNG of at most 88 pixels a side."""
    logo = Logo.objects.filter(practice__slug=slug).first()
    if logo is None:
        return None
    png = BytesIO()
    with Image.open(BytesIO(bytes(logo.png)), formats=["PNG"]) as image:
        image.thumbnail((_LOGO_SIDE, _LOGO_SIDE))
        image.save(png, "PNG", optimize=True)
    return png.getvalue()


def _named(request: HttpRequest) -> Practice | None:
    slug = request.GET.get("practice", "")
    practice = Practice.objects.filter(slug=slug).first() if slug and "\0" not in slug else None
    if practice and request.session.get(_KEY) != str(practice.pk):
        choose(request, practice)
    return practice


def _of_draft(request: HttpRequest) -> Practice | None:
    draft = drafts.load(request)
    if draft.is_without_pin and draft.practice:
        return find(draft.practice)
    if key := draft.key:
        registration = Registration.objects.select_related("practice").filter(pk=key.registration_id).first()
        return registration.practice if registration else None
    return None


def _kept(request: HttpRequest) -> Practice | None:
    kept = request.session.get(_KEY)
    return find(kept) if kept else None


def _of_account(request: HttpRequest) -> Practice | None:
    account = current_account(request)
    if account is None:
        return None
    theirs = Practice.objects.filter(pk__in=account.associations.live().values("patient__practice"))[:2]
    return theirs[0] if len(theirs) == 1 else None


def _only() -> Practice | None:
    some = Practice.objects.all()[:2]
    return some[0] if len(some) == 1 else None
