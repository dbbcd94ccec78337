"""The words of hosted forms in four languages, complete in each.

They speak to people who are nobody's users, beside the seller's own wording, so they stand here
together and not among the words of the pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LANGUAGES: Final[Mapping[str, str]] = {
    "en": "English", "ru": "Русский", "es": "Español", "ms": "Bahasa Melayu",
}  # fmt: skip

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "send": "Send the request",
        "call_me": "Call me back",
        "optional": "optional",
        "choose": "Choose",
        "yes": "Yes",
        "no": "No",
        "check": "I agree that the exchange calls me once to check the quality of this request.",
        "thanks": "Thank you",
        "thanks_text": "Your request has been received. You will be contacted soon.",
        "closed": "This form is closed.",
        "summary": "Please correct the marked fields",
        "trap": "Leave this field empty",
        "language": "Language",
        "test": "This form is in test mode: nothing is kept.",
    },
    "ru": {
        "send": "Отправить заявку",
        "call_me": "Перезвоните мне",
        "optional": "необязательно",
        "choose": "Выберите",
        "yes": "Да",
        "no": "Нет",
        "check": "Согласен на один звонок биржи для проверки качества этой заявки.",
        "thanks": "Спасибо",
        "thanks_text": "Ваша заявка принята. С вами скоро свяжутся.",
        "closed": "Эта форма закрыта.",
        "summary": "Исправьте отмеченные поля",
        "trap": "Оставьте это поле пустым",
        "language": "Язык",
        "test": "Форма в тестовом режиме: ничего не сохраняется.",
    },
    "es": {
        "send": "Enviar la solicitud",
        "call_me": "Llámenme",
        "optional": "opcional",
        "choose": "Elija",
        "yes": "Sí",
        "no": "No",
        "check": "Acepto una llamada de la plataforma para comprobar la calidad de esta solicitud.",
        "thanks": "Gracias",
        "thanks_text": "Hemos recibido su solicitud. Le contactarán pronto.",
        "closed": "Este formulario está cerrado.",
        "summary": "Corrija los campos marcados",
        "trap": "Deje este campo vacío",
        "language": "Idioma",
        "test": "El formulario está en modo de prueba: no se guarda nada.",
    },
    "ms": {
        "send": "Hantar permohonan",
        "call_me": "Hubungi saya semula",
        "optional": "pilihan",
        "choose": "Pilih",
        "yes": "Ya",
        "no": "Tidak",
        "check": "Saya bersetuju menerima satu panggilan untuk menyemak mutu permohonan ini.",
        "thanks": "Terima kasih",
        "thanks_text": "Permohonan anda telah diterima. Anda akan dihubungi tidak lama lagi.",
        "closed": "Borang ini telah ditutup.",
        "summary": "Sila betulkan ruangan yang ditanda",
        "trap": "Biarkan ruangan ini kosong",
        "language": "Bahasa",
        "test": "Borang dalam mod ujian: tiada apa yang disimpan.",
    },
}

# What visitors do wrong, in groups: the fields say where, these say what. Anything else is `other`.
GROUPS: Final[Mapping[str, str]] = {
    "missing_required": "missing",
    **dict.fromkeys(
        ("not_phone", "phone_invalid", "too_short", "short_code", "vanity", "two_numbers"), "phone"
    ),
    **dict.fromkeys(
        ("fake_pattern", "fictional", "toll_free", "premium", "type", "unicode_digits"), "phone"
    ),
    **dict.fromkeys(("email_invalid", "homoglyph", "disposable"), "email"),
    "not_a_person": "name",
    **dict.fromkeys(("number_invalid", "number_ambiguous", "precision"), "number"),
    **dict.fromkeys(("too_small", "too_large"), "range"),
    **dict.fromkeys(("date_invalid", "date_ambiguous", "time_invalid"), "date"),
    "postal_code_invalid": "postal_code",
    "value_not_allowed": "choice",
    "consent_missing": "consent",
    "age": "age",
    "form_expired": "expired",
}
PROBLEMS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "missing": "Please fill in this field.",
        "phone": "This phone number does not work. Check the digits.",
        "email": "This e-mail address does not work. Check it.",
        "name": "Please give your name.",
        "number": "Please give a number.",
        "range": "This number is too small or too large.",
        "date": "Please give a date that exists.",
        "postal_code": "This is no postal code of the country.",
        "choice": "Please choose one of the answers.",
        "consent": "Please agree to be contacted, else nobody may call you.",
        "age": "You are too young for this request.",
        "expired": "The form was open for too long. Please send it again.",
        "other": "Please check this field.",
    },
    "ru": {
        "missing": "Заполните это поле.",
        "phone": "Такого номера телефона не бывает. Проверьте цифры.",
        "email": "Такого адреса почты не бывает. Проверьте его.",
        "name": "Укажите имя.",
        "number": "Укажите число.",
        "range": "Это число слишком мало или слишком велико.",
        "date": "Укажите существующую дату.",
        "postal_code": "Такого почтового индекса в стране нет.",
        "choice": "Выберите один из ответов.",
        "consent": "Дайте согласие на обращение, иначе вам никто не сможет позвонить.",
        "age": "Для этой заявки вы слишком молоды.",
        "expired": "Форма была открыта слишком долго. Отправьте её ещё раз.",
        "other": "Проверьте это поле.",
    },
    "es": {
        "missing": "Rellene este campo.",
        "phone": "Este número de teléfono no es válido. Revise las cifras.",
        "email": "Este correo no es válido. Revíselo.",
        "name": "Indique su nombre.",
        "number": "Indique un número.",
        "range": "Este número es demasiado pequeño o demasiado grande.",
        "date": "Indique una fecha que exista.",
        "postal_code": "No es un código postal del país.",
        "choice": "Elija una de las respuestas.",
        "consent": "Acepte que le contacten; si no, nadie puede llamarle.",
        "age": "Es demasiado joven para esta solicitud.",
        "expired": "El formulario estuvo abierto demasiado tiempo. Envíelo otra vez.",
        "other": "Revise este campo.",
    },
    "ms": {
        "missing": "Sila isi ruangan ini.",
        "phone": "Nombor telefon ini tidak sah. Semak angkanya.",
        "email": "Alamat e-mel ini tidak sah. Sila semak.",
        "name": "Sila berikan nama anda.",
        "number": "Sila berikan nombor.",
        "range": "Nombor ini terlalu kecil atau terlalu besar.",
        "date": "Sila berikan tarikh yang wujud.",
        "postal_code": "Ini bukan poskod negara ini.",
        "choice": "Sila pilih satu jawapan.",
        "consent": "Sila bersetuju untuk dihubungi; jika tidak, tiada siapa boleh menelefon anda.",
        "age": "Anda terlalu muda untuk permohonan ini.",
        "expired": "Borang terbuka terlalu lama. Sila hantar sekali lagi.",
        "other": "Sila semak ruangan ini.",
    },
}


def problem_in(language: str, code: str) -> str:
    """What is said of a code to a visitor."""
    return PROBLEMS[language][GROUPS.get(code, "other")]
