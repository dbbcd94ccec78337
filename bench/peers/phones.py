"""The rule that no pattern says: a phone is a number of some country's numbering plan."""

import phonenumbers


def is_phone(text: str) -> bool:
    """Whether the library knows the number as valid."""
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(text, None))
    except phonenumbers.NumberParseException:
        return False
