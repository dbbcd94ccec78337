"""The sentences of the hosted pages, in the languages of the exchange."""

from __future__ import annotations

Words = dict[str, str]

ENGLISH: Words = {
    "lang": "en",
    "test": "This is a test page. Nobody is charged and no card is asked for.",
    "pay_title": "Test payment",
    "pay": "Pay {amount}",
    "total": "Total",
    "cancel": "Cancel and go back",
    "paid": "This payment is already complete.",
    "expired": "This payment page has expired. Nothing was charged.",
    "back": "Go back to the shop",
    "onboard_title": "Test onboarding",
    "onboard": "Here a payee would give bank details and documents. Nothing is asked for.",
    "finish": "Finish onboarding",
    "leave": "Go back without finishing",
    "missing": "There is no such page.",
}

RUSSIAN: Words = {
    "lang": "ru",
    "test": "Это тестовая страница. Деньги не списываются, карта не нужна.",
    "pay_title": "Тестовый платёж",
    "pay": "Оплатить {amount}",
    "total": "Итого",
    "cancel": "Отменить и вернуться",
    "paid": "Этот платёж уже выполнен.",
    "expired": "Срок действия страницы оплаты истёк. Деньги не списаны.",
    "back": "Вернуться на сайт",
    "onboard_title": "Тестовая регистрация получателя",
    "onboard": "Здесь получатель указал бы реквизиты и документы. Вводить ничего не нужно.",
    "finish": "Завершить регистрацию",
    "leave": "Вернуться, не завершая",
    "missing": "Такой страницы нет.",
}

SPANISH: Words = {
    "lang": "es",
    "test": "Esta es una página de prueba. No se cobra nada ni se pide ninguna tarjeta.",
    "pay_title": "Pago de prueba",
    "pay": "Pagar {amount}",
    "total": "Total",
    "cancel": "Cancelar y volver",
    "paid": "Este pago ya se ha completado.",
    "expired": "Esta página de pago ha caducado. No se ha cobrado nada.",
    "back": "Volver al sitio",
    "onboard_title": "Registro de prueba",
    "onboard": "Aquí el beneficiario daría sus datos bancarios y documentos. No se pide nada.",
    "finish": "Terminar el registro",
    "leave": "Volver sin terminar",
    "missing": "Esta página no existe.",
}

MALAY: Words = {
    "lang": "ms",
    "test": "Ini halaman ujian. Tiada caj dikenakan dan tiada kad diminta.",
    "pay_title": "Bayaran ujian",
    "pay": "Bayar {amount}",
    "total": "Jumlah",
    "cancel": "Batal dan kembali",
    "paid": "Bayaran ini telah selesai.",
    "expired": "Halaman bayaran ini telah tamat tempoh. Tiada caj dikenakan.",
    "back": "Kembali ke laman",
    "onboard_title": "Pendaftaran ujian",
    "onboard": "Di sini penerima akan memberi butiran bank dan dokumen. Tiada apa-apa diminta.",
    "finish": "Selesaikan pendaftaran",
    "leave": "Kembali tanpa menyelesaikan",
    "missing": "Halaman ini tidak wujud.",
}

_LANGUAGES = {words["lang"]: words for words in (ENGLISH, RUSSIAN, SPANISH, MALAY)}


def words_for(locale: str | None, accept_language: str) -> Words:
    """By the session's locale, else the browser's first known language, else English."""
    asked = [] if locale in {None, "auto"} else [str(locale)]
    asked += [part.split(";")[0].strip() for part in accept_language.split(",")]
    for tag in asked:
        words = _LANGUAGES.get(tag.split("-")[0].lower())
        if words is not None:
            return words
    return ENGLISH
