"""What comes in and goes out at the doors of lists and withdrawals, for forms and JSON alike."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from exchange.core.forms import PageQuery
from exchange.leads.models import ContactChannel
from exchange.leads.person_lines import LINES_MAX
from exchange.leads.rights import ListPurpose, RevocationVia

_name = validate.Length(min=1, max=200)
_person = validate.Length(min=1, max=500)
_country = validate.Regexp("^[A-Z]{2}$")


class PersonForm(Schema):
    """One person, by phone or e-mail; numbers without a country code are from the country."""

    person = fields.String(required=True, validate=_person)
    country = fields.String(load_default="", validate=_country)


class RemovalForm(PersonForm):
    purpose = fields.Enum(ListPurpose, by_value=True, load_default=ListPurpose.SUPPRESSED)


class ListTerms(Schema):
    name = fields.String(required=True, validate=_name)
    purpose = fields.Enum(ListPurpose, by_value=True, load_default=ListPurpose.SUPPRESSED)
    channel = fields.Enum(ContactChannel, by_value=True, load_default=ContactChannel.ANY)
    listed_on = fields.Date(load_default=None, allow_none=True)
    country = fields.String(load_default="", validate=_country)


class ListForm(ListTerms):
    """A list that is pasted, or uploaded beside the form as the part `file`."""

    people = fields.String(load_default="")


class NewList(ListTerms):
    people = fields.List(
        fields.String(validate=_person), required=True, validate=validate.Length(1, LINES_MAX)
    )


class ListQuery(PageQuery):
    purpose = fields.Enum(ListPurpose, by_value=True, load_default=None)


class ListOut(Schema):
    id = fields.String(attribute="public_id")
    object = fields.Constant("person_list")
    created_at = fields.DateTime()
    purpose = fields.Enum(ListPurpose, by_value=True)
    channel = fields.Enum(ContactChannel, by_value=True)
    name = fields.String()
    listed_on = fields.Date()
    lines_taken = fields.Integer()
    lines_repeated = fields.Integer()
    lines_bad = fields.Integer()
    metadata: fields.Constant[dict[str, str]] = fields.Constant({})


class RevocationOut(Schema):
    """A receipt: the same whether the person is known or not."""

    id = fields.String(attribute="public_id")
    object = fields.Constant("revocation")
    created_at = fields.DateTime()
    via = fields.Enum(RevocationVia, by_value=True)
    metadata: fields.Constant[dict[str, str]] = fields.Constant({})
