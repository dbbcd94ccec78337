"""What may be shown of a contact before it is bought, made once at intake.

So much is hidden that nobody is found by it; short values hide more, not less.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

HIDDEN: Final = "***"
DIGITS_SHOWN: Final = 2  # at the end of a number
DIGITS_MIN: Final = 8  # of a national number of which any digit is shown

# A domain of one's own, or of one's company, tells who somebody is; those of everybody do not.
PUBLIC_DOMAINS: Final = frozenset(
    (
        *("gmail.com", "googlemail.com", "yahoo.com", "yahoo.es", "hotmail.com"),
        *("hotmail.es", "outlook.com", "outlook.es", "live.com", "msn.com", "aol.com"),
        *("icloud.com", "me.com", "proton.me", "protonmail.com", "gmx.com", "gmx.net"),
        *("gmx.de", "web.de", "mail.com", "zoho.com", "mail.ru", "inbox.ru", "list.ru"),
        *("bk.ru", "internet.ru", "yandex.ru", "ya.ru", "yandex.com", "rambler.ru"),
        *("lenta.ru", "autorambler.ru", "ro.ru", "vk.com", "terra.es", "telefonica.net"),
        *("orange.es", "ymail.com", "rocketmail.com", "yahoo.com.my", "hotmail.my"),
        *("live.com.my", "example.com", "example.org", "example.net"),
    )
)


def masked_name(name: str) -> str:
    """`I*** P.` for Ivan Petrov: the initials of the first and the last word."""
    words = [word for word in name.split() if word[0].isalpha()]
    if not words or (len(words) == 1 and len(words[0]) == 1):
        return HIDDEN
    first = f"{words[0][0].upper()}{HIDDEN}"
    return first if len(words) == 1 else f"{first} {words[-1][0].upper()}."


def masked_phone(e164: str) -> str:
    """`+7 9** *** ** 12` for +79161234512: the country, the first digit and the last two."""
    digits = e164.removeprefix("+")
    size = _size_of_country_code(digits[:3])
    country, national = digits[:size], digits[size:]
    if len(national) < DIGITS_MIN:
        return f"+{country} {HIDDEN}" if country else HIDDEN
    shown = national[0] + "*" * (len(national) - 1 - DIGITS_SHOWN) + national[-DIGITS_SHOWN:]
    return f"+{country} {shown[:3]} {shown[3:-4]} {shown[-4:-2]} {shown[-2:]}"


def masked_email(address: str) -> str:
    """`i***@mail.ru`; of a domain that is not everybody's only the ending is shown."""
    local, at, domain = address.rpartition("@")
    if not at:
        return HIDDEN
    first = local[0] if len(local) > 1 else ""
    shown = domain if domain in PUBLIC_DOMAINS else f"{HIDDEN}.{domain.rpartition('.')[2]}"
    return f"{first}{HIDDEN}@{shown}"


def without_traces(preview: Mapping[str, str]) -> dict[str, str]:
    """A masked contact without the letters and digits by which who knows somebody would find them.

    `***`, `+7 ***`, `***@mail.ru`: that there is one, of which country, at which provider.
    """
    bare = dict.fromkeys(preview, HIDDEN)
    if "phone" in preview:
        bare["phone"] = f"{preview['phone'].split()[0]} {HIDDEN}"
    if "email" in preview:
        bare["email"] = f"{HIDDEN}@{preview['email'].rpartition('@')[2]}"
    return bare


@cache
def _size_of_country_code(beginning: str) -> int:
    """How many of the first three digits are the country's; 0 where no country begins so."""
    return next((n for n in (1, 2, 3) if _is_country_code(beginning[:n])), 0)


def masked_cell(text: str) -> str:
    """A cell of a seller's file as an example: its first and last sign, and that more was there."""
    text = text.strip()
    return f"{text[0]}{HIDDEN}{text[-1]}" if len(text) > 2 else HIDDEN if text else ""


def _is_country_code(digits: str) -> bool:
    return digits.isdigit() and int(digits) in COUNTRY_CODE_TO_REGION_CODE
