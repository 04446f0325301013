"""Format and parse US phone numbers with the phonenumbers library."""

import phonenumbers
from django.utils.translation import gettext


def national(number: str) -> str:
    """Format a phone number as "(612) 555-0142". Return the input if it is not a phone number.

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
    """Return the ten digits of a valid US number.

    Raises ValueError with a message, in the active language, for the person who typed the number.
    """
    try:
        parsed = phonenumbers.parse(typed, "US")
    except phonenumbers.NumberParseException:
        raise ValueError(gettext("Enter a phone number with the area code, like (612) 555-0142.")) from None
    if not phonenumbers.is_valid_number_for_region(parsed, "US"):
        raise ValueError(gettext("This is not a US phone number. Check the area code and make sure it has ten digits."))
    return str(parsed.national_number)
