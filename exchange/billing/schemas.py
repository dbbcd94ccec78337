"""What comes in and goes out at the doors of money, for forms and JSON alike."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validates, validates_schema

from exchange.billing.currencies import traded_currencies
from exchange.billing.models import AccountKind, PayoutStatus, Reason, TopUpStatus
from exchange.core.forms import AmountField, IdField, MoneyField, PageQuery
from exchange.core.money import Currency, Money
from exchange.identity.models import Organization


class HexField(fields.Field[bytes]):
    """Bytes as hexadecimal digits; out only."""

    def _serialize(self, value: bytes | None, *_args: Any, **_kwargs: Any) -> str | None:
        # Any: marshmallow's own signature
        return None if value is None else value.hex()


def _require_traded(currency: Currency) -> None:
    if currency not in traded_currencies():
        raise ValidationError("Choose a listed currency.")


class TopUpForm(Schema):
    currency = fields.Enum(Currency, by_value=True, required=True)
    amount = AmountField(required=True)

    @validates("currency")
    def is_traded(self, currency: Currency, **_kwargs: Any) -> None:  # Any: marshmallow's own
        """Refuse money with which nothing can be bought here."""
        _require_traded(currency)


class TopUpBody(Schema):
    amount = MoneyField(required=True)

    @validates("amount")
    def is_traded(self, amount: Money, **_kwargs: Any) -> None:  # Any: marshmallow's own
        """Refuse money with which nothing can be bought here."""
        _require_traded(amount.currency)


class PayoutForm(Schema):
    currency = fields.Enum(Currency, by_value=True, required=True)
    amount = AmountField(load_default=None)


class PayoutBody(Schema):
    """All that is payable in a currency, or an amount of it."""

    currency = fields.Enum(Currency, by_value=True, load_default=None)
    amount = MoneyField(load_default=None)

    @validates_schema
    def names_one_currency(self, data: dict[str, Any], **_kwargs: Any) -> None:  # Any: theirs
        """Refuse a body without any currency, or with two."""
        named = {data["currency"], data["amount"] and data["amount"].currency} - {None}
        if len(named) != 1:
            raise ValidationError("Name one currency.", "currency")


class StatementQuery(PageQuery):
    account = fields.Enum(AccountKind, by_value=True, load_default=None, attribute="kind")
    currency = fields.Enum(Currency, by_value=True, load_default=None)
    since = fields.AwareDateTime(load_default=None, data_key="created_at[gte]")


class ProofQuery(PageQuery):
    org = IdField(Organization, load_default=None)


class HeadQuery(Schema):
    seq = fields.Integer(load_default=None)


class BalancesOut(Schema):
    currency = fields.Enum(Currency, by_value=True)
    wallet = MoneyField()
    held = MoneyField()
    pending = MoneyField()
    reserve = MoneyField()
    payable = MoneyField()
    in_transit = MoneyField()
    debt = MoneyField()
    credit = MoneyField(
        metadata={"description": "the limit: how far the wallet may go below nothing"}
    )


class WalletOut(Schema):
    object = fields.Constant("wallet")
    balances = fields.List(fields.Nested(BalancesOut))


class TopUpOut(Schema):
    id = fields.String(attribute="public_id")
    object = fields.Constant("top_up")
    created_at = fields.DateTime()
    amount = MoneyField()
    status = fields.Enum(TopUpStatus, by_value=True)
    checkout_url = fields.String(allow_none=True)
    metadata: fields.Constant[dict[str, str]] = fields.Constant({})


class PayoutOut(Schema):
    id = fields.String(attribute="public_id")
    object = fields.Constant("payout")
    created_at = fields.DateTime()
    amount = MoneyField()
    status = fields.Enum(PayoutStatus, by_value=True)
    failure = fields.String()
    metadata: fields.Constant[dict[str, str]] = fields.Constant({})


class SubjectOut(Schema):
    id = fields.String(attribute="subject_id")
    object = fields.String(attribute="subject.kind")


class TransferOut(Schema):
    """One line of a statement: what a posting did to one account of yours."""

    id = fields.String(attribute="public_id")
    object = fields.Constant("transfer")
    created_at = fields.DateTime()
    occurred_at = fields.DateTime()
    account = fields.Enum(AccountKind, by_value=True)
    reason = fields.Enum(Reason, by_value=True)
    amount = MoneyField()
    balance = MoneyField()
    subject = fields.Function(lambda line: SubjectOut().dump(line))
    metadata: fields.Constant[dict[str, str]] = fields.Constant({})


class HeadOut(Schema):
    object = fields.Constant("ledger_head")
    seq = fields.Integer()
    hash = HexField()
    sealed_at = fields.DateTime(allow_none=True)


class LinkOut(Schema):
    object = fields.Constant("ledger_link")
    seq = fields.Integer()
    previous = HexField()
    hash = HexField()
    sealed_at = fields.DateTime()
    document = fields.Dict()
