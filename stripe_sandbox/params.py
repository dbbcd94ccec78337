"""Parameters of one call, read by type; what is missing or malformed is refused as Stripe does.

Unknown parameters are never looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from stripe_sandbox.errors import invalid, missing
from stripe_sandbox.messages import Json

LARGEST_AMOUNT = 99_999_999


@dataclass(frozen=True, slots=True)
class Params:
    """A group of parameters; `prefix` is the path to it, for the `param` of a refusal."""

    values: Json
    prefix: str = ""

    def name(self, key: str) -> str:
        return f"{self.prefix}[{key}]" if self.prefix else key

    def text(self, key: str) -> str | None:
        value = self.values.get(key)
        if isinstance(value, (dict, list)):
            raise invalid(self.name(key), f"Invalid string: {self.name(key)}")
        return None if value in {None, ""} else str(value)

    def required(self, key: str) -> str:
        value = self.text(key)
        if value is None:
            raise missing(self.name(key))
        return value

    def choice(self, key: str, *, of: tuple[str, ...], default: str | None = None) -> str:
        value = self.text(key) or default
        if value is None:
            raise missing(self.name(key))
        if value not in of:
            raise invalid(self.name(key), f"Invalid {key}: must be one of {', '.join(of)}")
        return value

    def whole(self, key: str) -> int | None:
        value = self.text(key)
        if value is None:
            return None
        try:
            return int(value)
        except ValueError:
            code = "parameter_invalid_integer"
            raise invalid(self.name(key), f"Invalid integer: {value}", code=code) from None

    def amount(self, key: str = "amount") -> int | None:
        """A positive amount in minor units, or None when it is not given."""
        value = self.whole(key)
        if value is None:
            return None
        if value < 1:
            message = "This value must be greater than or equal to 1."
            raise invalid(self.name(key), message, code="parameter_invalid_integer")
        if value > LARGEST_AMOUNT:
            message = f"Amount must be no more than {LARGEST_AMOUNT}."
            raise invalid(self.name(key), message, code="amount_too_large")
        return value

    def required_amount(self, key: str = "amount") -> int:
        value = self.amount(key)
        if value is None:
            raise missing(self.name(key))
        return value

    def currency(self, key: str = "currency") -> str:
        """Any three letters: the sandbox knows roubles too, which Stripe does not settle."""
        value = self.required(key).lower()
        if len(value) != 3 or not (value.isascii() and value.isalpha()):
            raise invalid(self.name(key), f"Invalid currency: {value}.")
        return value

    def address(self, key: str) -> str | None:
        """An http or https URL, kept as given."""
        value = self.text(key)
        if value is None:
            return None
        if urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).netloc:
            raise invalid(self.name(key), "Not a valid URL", code="url_invalid")
        return value

    def metadata(self) -> dict[str, str]:
        """Up to 50 pairs, keys to 40 and values to 500 characters (Stripe's limits)."""
        given = self.values.get("metadata") or {}
        if not isinstance(given, dict) or len(given) > 50:
            raise invalid(self.name("metadata"), "Metadata must be a hash of at most 50 keys.")
        for key, value in given.items():
            if len(key) > 40 or len(str(value)) > 500:
                param = f"{self.name('metadata')}[{key[:40]}]"
                raise invalid(param, "Metadata keys go up to 40 characters and values up to 500.")
        return {key: str(value) for key, value in given.items() if value != ""}

    def group(self, key: str) -> Params:
        value = self.values.get(key)
        return Params(value if isinstance(value, dict) else {}, self.name(key))

    def groups(self, key: str) -> list[Params]:
        value = self.values.get(key)
        items = value if isinstance(value, list) else []
        named = enumerate(items)
        return [
            Params(item, f"{self.name(key)}[{n}]") for n, item in named if isinstance(item, dict)
        ]

    def texts(self, key: str) -> list[str]:
        value = self.values.get(key)
        return [str(item) for item in value] if isinstance(value, list) else []
