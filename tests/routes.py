"""List every URL pattern of the project."""

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver
from django.views.generic import RedirectView


def patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Yield (full route, pattern) for every URL pattern of the resolver and of those it includes."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern, prefix + str(pattern.pattern))
        else:
            yield prefix + str(pattern.pattern), pattern


ALL = list(patterns(get_resolver()))
# Redirects from old URLs. They need no permission because they show nothing and the new page checks it.
MOVED = [
    (route, pattern)
    for route, pattern in ALL
    if getattr(pattern.callback, "view_class", None) is RedirectView and not route.startswith("admin/")
]
OURS = [
    (route, pattern)
    for route, pattern in ALL
    if not route.startswith(("admin/", "accounts/")) and (route, pattern) not in MOVED
]
