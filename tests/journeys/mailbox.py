"""Read the emails that a browser test has caused."""

import html
import re

from playwright.sync_api import Page

from notifications import demo_mailbox


def find_in_mail(page: Page, pattern: str) -> str:
    """Return the newest match in the demo mailbox. Wait for it, because the worker takes a moment to send."""
    for _ in range(300):
        for received in sorted(demo_mailbox.all_mail(), key=lambda received: received.at, reverse=True):
            bodies = [received.mail.get_body((kind,)) for kind in ("plain", "html")]
            text = "\n".join(html.unescape(body.get_content()) for body in bodies if body)
            if found := re.search(pattern, text):
                return found[0]
        page.wait_for_timeout(50)
    raise AssertionError(f"no email contains {pattern}")
