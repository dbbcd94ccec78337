"""What kind of line a number is, from the library's own patterns, without its detours.

The library looks up the region twice and compiles on the way; here the patterns of a country's main
region are compiled once. That both say the same is a test over many numbers.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumber, PhoneNumberDesc, PhoneNumberType

# In this order; the first that fits is the kind.
_KINDS: Final = (
    ("premium_rate", PhoneNumberType.PREMIUM_RATE),
    ("toll_free", PhoneNumberType.TOLL_FREE),
    ("shared_cost", PhoneNumberType.SHARED_COST),
    ("voip", PhoneNumberType.VOIP),
    ("personal_number", PhoneNumberType.PERSONAL_NUMBER),
    ("pager", PhoneNumberType.PAGER),
    ("uan", PhoneNumberType.UAN),
    ("voicemail", PhoneNumberType.VOICEMAIL),
)


def kind_and_region(number: PhoneNumber, national: str) -> tuple[int, str]:
    """The library's type of the number and its region, UNKNOWN and "" where it is not valid."""
    main = main_region(number.country_code or 0)
    if main:
        kind = main.kind(national)
        if kind != PhoneNumberType.UNKNOWN:
            return kind, main.region
    region = phonenumbers.region_code_for_number(number) or ""
    return phonenumbers.number_type(number), region


class _Region:
    """The compiled patterns of a region."""

    def __init__(self, region: str, metadata: PhoneMetadata) -> None:
        self.region = region
        self._leading = re.compile(metadata.leading_digits or "")
        self._general = _Pattern(metadata.general_desc)
        self._kinds = [(_Pattern(getattr(metadata, name)), kind) for name, kind in _KINDS]
        self._fixed = _Pattern(metadata.fixed_line)
        self._mobile = _Pattern(metadata.mobile)
        special = [pattern.text for pattern, _ in self._kinds if pattern.text]
        self._special = "|".join(f"(?:{text})" for text in special) or "(?!)"

    @property
    def ordinary(self) -> str:
        """The pattern of fixed and mobile numbers of this region.

        None of them is of a special kind in any length; others may still be numbers.
        """
        general, fixed, mobile = (p.pattern for p in (self._general, self._fixed, self._mobile))
        leading = self._leading.pattern
        return rf"(?={leading})(?!(?:{self._special})\Z)(?={general}\Z)(?:{mobile}|{fixed})"

    def kind(self, national: str) -> int:
        """The type of a number of this region, UNKNOWN for all others."""
        if not self._leading.match(national) or not self._general.fits(national):
            return PhoneNumberType.UNKNOWN
        for pattern, kind in self._kinds:
            if pattern.fits(national):
                return kind
        return self._line(national)

    def _line(self, national: str) -> int:
        is_mobile = self._mobile.fits(national)
        if self._fixed.fits(national):
            return PhoneNumberType.FIXED_LINE_OR_MOBILE if is_mobile else PhoneNumberType.FIXED_LINE
        return PhoneNumberType.MOBILE if is_mobile else PhoneNumberType.UNKNOWN


class _Pattern:
    """One kind of number in a region; one that the region does not have fits nothing."""

    def __init__(self, description: PhoneNumberDesc | None) -> None:
        self.text = description.national_number_pattern if description else None
        self._pattern = re.compile(self.text) if self.text else None
        self._lengths = frozenset((description and description.possible_length) or ())

    @property
    def pattern(self) -> str:
        """The text of a pattern that says the same as `fits`."""
        if not self.text:
            return "(?!)"
        lengths = "|".join(rf"\d{{{length}}}\Z" for length in sorted(self._lengths))
        return rf"(?={lengths})(?:{self.text})"

    def fits(self, national: str) -> bool:
        if self._pattern is None or (self._lengths and len(national) not in self._lengths):
            return False
        return self._pattern.fullmatch(national) is not None


@cache
def main_region(country_code: int) -> _Region | None:
    """The region that the library asks first for a country code."""
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(country_code, ())
    if not regions or regions[0] == "001":
        return None
    metadata = PhoneMetadata.metadata_for_region(regions[0])
    return _Region(regions[0], metadata) if metadata else None
