"""Phone numbers of the United States, read by phonenumbers (Google's library)."""

import phonenumbers
from django.utils.translation import gettext


def national(number: str) -> str:
    """As people write it, "(612) 555-0142"; a number that cannot be read stays as it is.

    >>> national("+16125550142")
    '(612) 555-0142'
    >>> national("ext. 5")
    'ext. 5'
    """
    try:
        parsed = phonenumbers.parse(number, "US")
    except phonenumbers.NumberParseException:
        return number
    if not phonenumbers.is_possible_number(parsed):
        return number
    if parsed.country_code == 1:
        return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def read_national(typed: str) -> str:
    """The ten digits of a valid US number.

    Raises ValueError with a sentence for the person who typed it, in the language that is active.
    """
    try:
        parsed = phonenumbers.parse(typed, "US")
    except phonenumbers.NumberParseException:
        raise ValueError(
            gettext("This does not read as a phone number. Type it with the area code, as (612) 555-0142.")
        ) from None
    if not phonenumbers.is_valid_number_for_region(parsed, "US"):
        raise ValueError(gettext("This is not a US phone number. Check the area code and that it has ten digits."))
    return str(parsed.national_number)
