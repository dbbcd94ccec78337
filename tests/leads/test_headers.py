"""Files of four languages arrive mapped: the usual headers of each are known by name."""

from __future__ import annotations

import pytest

from exchange.catalog.schemas import load_preset
from exchange.leads.mapping import Reason, guess_mapping

PRESETS = {
    "en": "home_improvement_us",
    "ru": "car_insurance_ru",
    "es": "mortgage_es",
    "ms": "personal_loan_my",
}
HEADERS = {
    "en": {
        "Full Name": "name", "Mobile Number": "phone", "E-mail Address": "email",
        "State": "region", "ZIP": "postal_code", "Submission Date": "requested_at",
        "Lead Source": "channel", "UTM Campaign": "sub_id", "Consent": "consent_text",
        "Opt-in date": "consent_at", "Landing URL": "consent_url", "Notes": "comment",
    },
    "ru": {
        "ФИО": "name", "Контактный телефон": "phone", "Электронная почта": "email",
        "Область": "region", "Индекс": "postal_code", "Дата обращения": "requested_at",
        "Источник трафика": "channel", "Кампания": "sub_id", "Согласие": "consent_text",
        "Время согласия": "consent_at", "Адрес страницы": "consent_url", "Примечание": "comment",
    },
    "es": {
        "Nombre completo": "name", "Teléfono móvil": "phone", "Correo": "email",
        "Provincia": "region", "CP": "postal_code", "Fecha de alta": "requested_at",
        "Fuente": "channel", "Campaña": "sub_id", "Consentimiento": "consent_text",
        "Fecha consentimiento": "consent_at", "Página": "consent_url",
        "Observaciones": "comment",
    },
    "ms": {
        "Nama penuh": "name", "No. telefon": "phone", "E-mel": "email",
        "Negeri": "region", "Poskod": "postal_code", "Tarikh hantar": "requested_at",
        "Sumber": "channel", "Kempen": "sub_id", "Persetujuan": "consent_text",
        "Masa persetujuan": "consent_at", "Pautan": "consent_url", "Catatan": "comment",
    },
}  # fmt: skip
PARTS = {
    "en": ("First Name", "Last Name"),
    "ru": ("Фамилия", "Имя", "Отчество"),
    "es": ("Nombre", "Apellidos"),
    "ms": ("Nama pertama", "Nama keluarga"),
}


@pytest.mark.parametrize("language", PRESETS)
def test_the_usual_headers_are_known(language):
    fields, wanted = load_preset(PRESETS[language]).fields, HEADERS[language]
    wanted = {header: name for header, name in wanted.items() if name in fields.by_name}
    assert len(wanted) >= 10
    mapping = guess_mapping(tuple(wanted), [], fields=fields)
    assert {column.header: column.field for column in mapping.columns} == wanted
    assert mapping.questions == ()


@pytest.mark.parametrize("language", PRESETS)
def test_the_parts_of_a_name_are_joined_in_the_order_of_the_file(language):
    fields, parts = load_preset(PRESETS[language]).fields, PARTS[language]
    mapping = guess_mapping((*parts, "Phone"), [], fields=fields)
    assert [column.field for column in mapping.columns] == [*["name"] * len(parts), "phone"]
    assert {column.reason for column in mapping.columns[: len(parts)]} == {Reason.PART}
    assert mapping.virtual == (("name", tuple(range(len(parts)))),)
    assert mapping.index_by_field["name"] == len(parts) + 1
    assert mapping.questions == ()


def test_a_name_alone_is_no_part():
    fields = load_preset("mortgage_es").fields
    mapping = guess_mapping(("Nombre", "Teléfono"), [], fields=fields)
    assert mapping.index_by_field["name"] == 0
    assert mapping.columns[0].reason in {Reason.NAME, Reason.SYNONYM}
