"""What comes in at the doors of admission, for forms and JSON alike."""

from __future__ import annotations

from zoneinfo import available_timezones

from marshmallow import Schema, fields, validate

from exchange.core.passwords import LENGTH_MIN
from exchange.identity.permissions import OrganizationKind, Permission, Role

_text = validate.Length(min=1, max=200)
_password = validate.Length(min=LENGTH_MIN, max=200)


class SignInForm(Schema):
    email = fields.String(required=True, validate=_text)
    password = fields.String(required=True, validate=_text)


class PersonForm(Schema):
    email = fields.Email(required=True, validate=validate.Length(max=254))
    name = fields.String(required=True, validate=_text)
    password = fields.String(required=True, validate=_password)


class SignUpForm(PersonForm):
    kind = fields.Enum(OrganizationKind, by_value=True, required=True)
    organization_name = fields.String(required=True, validate=_text)
    trade_name = fields.String(required=True, validate=_text)
    country = fields.String(required=True, validate=validate.Regexp("^[A-Z]{2}$"))
    register_number = fields.String(load_default="", validate=validate.Length(max=100))
    licence = fields.String(load_default="", validate=validate.Length(max=100))
    terms = fields.Boolean(required=True, validate=validate.Equal(comparable=True))


class FoundForm(PersonForm):
    code = fields.String(required=True, validate=_text)
    organization_name = fields.String(required=True, validate=_text)
    country = fields.String(required=True, validate=validate.Regexp("^[A-Z]{2}$"))


class PreferencesForm(Schema):
    locale = fields.String(required=True, validate=validate.OneOf(["en", "ru", "es", "ms"]))
    timezone = fields.String(required=True, validate=validate.OneOf(available_timezones()))
    single_keys = fields.Boolean(load_default=False)


class PasswordForm(Schema):
    current = fields.String(required=True, validate=_text)
    password = fields.String(required=True, validate=_password)


class RoleForm(Schema):
    role = fields.Enum(Role, by_value=True, required=True)


class InvitationForm(Schema):
    role = fields.Enum(Role, by_value=True, required=True)
    note = fields.String(load_default="", validate=validate.Length(max=200))


class KeyForm(Schema):
    name = fields.String(required=True, validate=_text)
    scopes = fields.List(
        fields.String(validate=validate.OneOf([p.value for p in Permission])), required=True
    )
    days = fields.Integer(load_default=90, validate=validate.Range(1, 365))


class LanguageForm(Schema):
    language = fields.String(required=True, validate=validate.OneOf(["en", "ru", "es", "ms"]))
    next = fields.String(load_default="/")


class MembershipForm(Schema):
    membership = fields.String(required=True)
