"""Five hundred strings that a user could paste by accident or send as an attack. They are the same in every run."""

from typing import Final

_CONTROL: Final = [f"An{chr(code)}na" for code in [*range(32), *range(127, 160)]]
_RIGHT_TO_LEFT: Final = [
    *(f"Anna {chr(code)}gnp.exe" for code in [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]),
    "שָׁלוֹם", "مرحبا بالعالم", "Anna עברית Smith",
]  # fmt: skip
_BEYOND_LETTERS: Final = [
    "🙂", "👩‍👩‍👧‍👦", "🏳️‍🌈🇺🇸", "Ａｎｎａ", "Z̸̡̛̗͖̹a̵̢͇͌l̶g̷o̸", "ﷺ" * 40, "ﬀ İ ı ß ẞ", "\ufeffAnna", "\ufffe\uffff", "\u2028line\u2029",
    "\u200b\u200c\u200d", "\u00a0", "𝕬𝖓𝖓𝖆", "田中さん", "𠜎𠜱𠝹", "\U0010ffff", "\ue000", "①②③", "٣٤٥", "²³",
]  # fmt: skip
# Unpaired surrogates: JSON and Python strings can contain them, but no database can store them.
_SURROGATES: Final = ["\ud800", "An\udfffna", "\udc80\udcff", "\ud83d", "\ude42\ud83d"]
_SQL: Final = [
    "'; DROP TABLE patients_patient;--", "' OR '1'='1", '" OR ""="', "1; SELECT pg_sleep(9)", "%' --", "\\'; --", "%", "_%_",
    "') UNION SELECT digest FROM registration_registration --", "$$; $$", "x' || (SELECT 1) || '",
]  # fmt: skip
_SCRIPT: Final = [
    "<script>alert(1)</script>", "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", '"><svg onload=alert(1)>',
    "' autofocus onfocus='alert(1)", "<a href='javascript:alert(1)'>x</a>", "</textarea><b>x", "</title><b>x", "<!--", "]]><b>",
    "<style>*{display:none}</style>", '" hx-get="/accounts/logout/" hx-trigger="load', "&lt;b&gt;", "&#x3c;b&#x3e;", "<<i",
    "{{ 7|add:7 }}", "{% load log %}", "${7*7}", "#{7*7}", "%(name)s", "%s%n%d", "{0.__class__}", "javascript:alert(1)",
]  # fmt: skip
_FORMULA: Final = [
    "=1+1", '=HYPERLINK("http://x.example","y")', "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", "\r=1+1", "=cmd|'/C calc'!A0", ";=1+1",
]  # fmt: skip
_LINES: Final = [
    "Anna\r\nBcc: everybody@x.example", "Anna\r\n\r\n<b>", "\r\n", "\n", "Anna\nSmith", "%0d%0aSet-Cookie: a=b", "a\r\n.\r\nQUIT",
    "X" * 70 + "\r\n\r\n--boundary", "\r",
]  # fmt: skip
_NUMBERS: Final = [
    "", " ", "0", "-1", "1e400", "NaN", "Infinity", "9" * 400, "99999999999999999999", "2019-13-45", "0000-00-00", "9999-12-31",
    "1/1/0001", "10000-01-01", "true", "null", "None", "[]", "{}", "00000000-0000-0000-0000-000000000000",
    "../../etc/passwd", "C:\\con", "file:///etc/passwd", "http://[::1", "//x.example", "#pin=K7QF2M9TXB4C.x", "a=b&c=d", ";", "\\",
]  # fmt: skip
_LONG: Final = ["a" * 10_000, "🙂" * 10_000, "<b>" * 3_334, "9" * 10_000, "a " * 5_000, "\u0301" * 10_000, "=" * 10_000]
_ALONE: Final = [
    *_CONTROL, *_RIGHT_TO_LEFT, *_BEYOND_LETTERS, *_SURROGATES, *_SQL, *_SCRIPT, *_FORMULA, *_LINES, *_NUMBERS, *_LONG
]  # fmt: skip
# Each string also appears inside a plausible value, which passes the first validation and reaches the next one.
_WITHIN: Final = ("Anna {} Smith", "{}@families.example")

HOSTILE_STRINGS: Final = [*_ALONE, *(frame.replace("{}", text) for frame in _WITHIN for text in _ALONE)][:500]
assert len(set(HOSTILE_STRINGS)) == 500
