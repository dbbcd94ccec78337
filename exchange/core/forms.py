"""Field types that forms and JSON bodies share: money, amounts as people type them, public ids."""

from __future__ import annotations

import re
from typing import Any, Final
from uuid import UUID

from marshmallow import Schema, ValidationError, fields, validate

from exchange.core import ids
from exchange.core.db import Record
from exchange.core.money import Currency, Money

_AMOUNT: Final = re.compile(r"(\d{1,9})(?:[.,](\d{1,2}))?", re.ASCII)
_SPACES: Final = dict.fromkeys(map(ord, " \u00a0\u202f"))


class MoneyField(fields.Field[Money]):
    """`{"amount": 4500, "currency": "USD"}`: minor units, in and out."""

    def _serialize(self, value: Money | None, *_args: Any, **_kwargs: Any) -> Any:  # Any: theirs
        return value and {"amount": value.amount, "currency": str(value.currency)}

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> Money:  # Any: unchecked
        amount = value.get("amount") if isinstance(value, dict) else None
        if not isinstance(amount, int) or isinstance(amount, bool):
            raise ValidationError(
                "Money is an object with an amount in minor units and a currency."
            )
        try:
            return Money(amount, Currency(value.get("currency")))
        except ValueError as error:
            raise ValidationError(f"The currency is one of {', '.join(Currency)}.") from error


class AmountField(fields.Field[int]):
    """An amount as people type it ("45", "45.50", "1 200,00") to minor units; never guessed."""

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> int:  # Any: unchecked
        match = _AMOUNT.fullmatch(str(value).strip().translate(_SPACES))
        if match is None:
            raise ValidationError("Type an amount such as 45 or 45.50.")
        whole, cents = match.groups()
        return int(whole) * 100 + int((cents or "").ljust(2, "0"))


class IdField(fields.Field[UUID]):
    """A public id of one kind of record; anything else is refused without a look-up."""

    def __init__(self, model: type[Record], **kwargs: Any) -> None:  # Any: marshmallow's own
        super().__init__(**kwargs)
        self.prefix = model.PREFIX

    def _serialize(self, value: UUID | None, *_args: Any, **_kwargs: Any) -> str | None:
        return None if value is None else ids.encode(self.prefix, value)

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> UUID:  # Any: unchecked
        found = ids.decode(self.prefix, str(value))
        if found is None:
            raise ValidationError(f"This is not an id that begins with {self.prefix}_.")
        return found


class PageQuery(Schema):
    """What every list takes."""

    cursor = fields.String(load_default=None)
    limit = fields.Integer(load_default=25, validate=validate.Range(1, 100))


def list_of(item: type[Schema]) -> Schema:
    """The envelope of every list: data, whether there is more, and the cursor that leads on."""
    envelope: dict[str, fields.Field[Any]] = {
        "object": fields.Constant("list"),
        "data": fields.List(fields.Nested(item), attribute="items"),
        "has_more": fields.Boolean(),
        "next_cursor": fields.String(allow_none=True),
    }
    return Schema.from_dict(envelope, name=f"{item.__name__}List")()
