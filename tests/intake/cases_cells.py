"""Cases of cells: phones, e-mails, names, money, dates, consent (5.3 to 5.5 of the catalogue)."""

from datetime import timedelta

from tests.intake.cases import case
from tests.leads.intake_case import one


def phone(number, text, code="", *, note="", country="us", outcome=""):
    outcome = outcome or ("invalid" if code else "valid")
    options = {"country": country}
    name = f"phone {text[:24]!a}"
    content = one(phone=text)
    return case(number, name, content, codes=code, notes=note, outcome=outcome, options=options)


def review(number, text, code, **more):
    return phone(number, text, code, outcome="in_review", **more)


PHONES = [
    phone(62, "+1 415 555 2671"), phone(62, "(415) 555-2671"), phone(62, "14155552671"),
    phone(63, "7.9161234567E+10", note="excel_float", country="ru"),
    phone(64, "7.92E+10", "excel_lost_digits", country="ru"),
    phone(64, "7,91235E+10", "excel_lost_digits", country="ru"),
    phone(66, "79161234567.0", note="excel_float", country="ru"),
    phone(67, "441234567", "too_short"),
    phone(68, "415555267", "too_short"),
    phone(69, "41555526711", "too_long"),
    phone(71, "212-555-1212", "type"), phone(71, "8005551212", "type"),
    phone(72, "888-123-4567", "toll_free"), phone(72, "+1 800 555 0000", "toll_free"),
    phone(72, "8 800 555 35 35", "toll_free", country="ru"),
    phone(73, "+1 900 555 1234", "premium"), phone(73, "+7 809 123 45 67", "premium", country="ru"),
    phone(74, "0000000000", "fake_pattern"), phone(74, "1111111111", "fake_pattern"),
    phone(74, "1234567890", "fake_pattern"), phone(74, "2222222222", "fake_pattern"),
    review(75, "2345678901", "fake_pattern"),
    review(75, "+7 999 999 99 99", "fake_pattern", country="ru"),
    phone(78, "+1 415 555 2671 x123", note="extension"),
    phone(78, "+1 415 555 2671 ext. 99", note="extension"),
    phone(78, "+14155552671;ext=5", note="extension"),
    phone(79, "415 555 2671/415 555 2680", "two_numbers"),
    phone(79, "4155552671, 4155552680", "two_numbers"),
    phone(79, "+14155552671 +14155552680", "two_numbers"),
    phone(80, "４１５５５５２６７１", note="unicode_digits"),
    phone(80, "٤١٥٥٥٥٢٦٧١", note="unicode_digits"),
    review(80, "415555267١", "unicode_digits"),
    phone(81, "415555267²", "not_phone"),
    phone(83, "1-800-FLOWERS", "vanity"),
    phone(84, "John Smith", "not_phone"),
    phone(15, "O4155552671", "not_phone"),
    review(85, "\u202e4155552671", "bidi", note="invisible"),
    phone(85, "\u202a+14155552671\u202c", note="invisible"),
    phone(85, "415\u200b555\u00a026–71", note="invisible"),
    phone(86, "''4155552671", note="apostrophe"), phone(86, "'+14155552671"),
    phone(86, "\t4155552671"), phone(86, '="4155552671"', "formula"),
    review(87, "+44 20 7183 8750", "country_mismatch"),
    phone(90, "911", "short_code"), phone(90, "112", "short_code"),
    phone(91, "4" * 300, "too_long"), phone(91, "4" * 8_000, "too_long"),
    phone(92, "8 916 123-45-67", country="ru"),
    phone(15, "212-555-0123", "fictional"),
]  # fmt: skip


def email(number, text, code="", *, note="", outcome=""):
    outcome = outcome or ("invalid" if code else "valid")
    name = f"email {text[:24]!a}"
    return case(number, name, one(email=text), codes=code, notes=note, outcome=outcome)


def named(number, text, code="", *, outcome="", note=""):
    outcome = outcome or ("in_review" if code else "valid")
    name = f"name {text[:24]!a}"
    return case(number, name, one(name=text), codes=code, notes=note, outcome=outcome)


PEOPLE = [
    email(93, "User@Example.COM"), email(93, "user@example.com. ", note="trimmed"),
    email(93, "mailto:user@example.com", note="trimmed"),
    email(96, "p\u0430ypal@example.com", "homoglyph", outcome="in_review", note="international"),
    email(96, "ivan@ex\u0430mple.com", "homoglyph", outcome="in_review", note="international"),
    email(97, "ivan@почта.рф", note="international"),
    email(99, "a@example.com, b@example.com", "email_invalid"),
    email(99, "no-at-sign.example", "email_invalid"), email(99, "a@b", "email_invalid"),
    email(99, "a" * 300 + "@example.com", "email_invalid"),
    email(99, '"a b"@example.com', "email_invalid"),
    email(99, "a@example.com\r\nBcc: b@example.com", "email_invalid"),
    email(99, "a@example.com\n", "email_invalid"),
    email(99, "ivan@mailinator.com", "disposable", outcome="in_review"),
    email(99, "info@example.com", note="role"),
    named(100, '=HYPERLINK("http://x","y")', "unsafe_content"),
    named(100, "@SUM", "unsafe_content"), named(100, "-1+1", "unsafe_content not_a_person"),
    named(101, "<script>alert(1)</script>", "unsafe_content"),
    named(101, "{{7*7}}", "unsafe_content not_a_person"),
    named(101, "Robert'; DROP TABLE leads"),
    case(101, "comment as text", one(comment="=1+1"), notes="unsafe_content", outcome="valid"),
    named(102, "Иван\u202eПетров"), named(102, "Ivan 🎈 Petrov"),
    named(102, "12345", "not_a_person"),
    named(104, "Test Test", "not_a_person"), named(104, "asdf", "not_a_person"),
    named(104, "Mickey Mouse", "not_a_person"), named(104, "йцукен", "not_a_person"),
    named(104, "N/A", "missing_required", outcome="invalid"),
    named(104, "null", "missing_required", outcome="invalid"),
    named(104, "-", "missing_required", outcome="invalid"),
]  # fmt: skip


def dated(number, what, write, code="", *, asked="", field="requested_at"):
    """A time that `write` makes from the present one."""
    outcome = "invalid" if code else "valid"
    made = lambda now: one(**{field: write(now) if callable(write) else write})  # noqa: E731
    return case(number, f"{field} {what}", made, codes=code, asked=asked, outcome=outcome)


def after(**span):
    return lambda now: (now + timedelta(**span)).isoformat(timespec="seconds")


def born(years, days):
    """The birth date of somebody who turns so many years old in so many days."""

    def write(now):
        day = now.date() + timedelta(days=days)
        return (
            f"{day.year - years}-{day:%m-%d}"
            if f"{day:%m%d}" != "0229"
            else f"{day.year - years}-03-01"
        )

    return write


def this_month(now):
    """The 13th of a month as Europe writes it: in any other order it is no date."""
    day = now if now.day >= 13 else now.replace(day=1) - timedelta(days=1)
    return day.replace(day=13).strftime("%d/%m/%Y")


VALUES = [
    case(107, "price 0", one(budget="0"), codes="too_small", outcome="invalid"),
    case(107, "price -5", one(budget="-5"), codes="too_small", outcome="invalid"),
    *(
        case(108, f"price {text}", one(budget=text), codes="number_invalid", outcome="invalid")
        for text in ("1e1000", "Infinity", "9" * 80)
    ),
    case(108, "price NaN says nothing", one(budget="NaN"), outcome="valid"),
    case(110, "1,234.56", one(budget="1,234.56"), outcome="valid"),
    case(110, "1.234,56", one(budget="1.234,56"), outcome="valid"),
    case(110, "decimals as elsewhere", one(budget="19,90"), asked="decimal_separator",
         outcome="valid"),
    case(111, "half a cent", one(budget="0.005"), codes="precision", outcome="invalid"),
    case(111, "5.999", one(budget="5.999"), codes="precision", outcome="invalid"),
    dated(115, "of last year", lambda now: f"03/04/{now.year - 1}", "too_old"),
    case(115, "requested_at in another order", lambda now: one(requested_at=this_month(now)),
         asked="date_order"),
    dated(116, "Feb 30", "2026-02-30", "date_invalid"),
    dated(116, "1899", "1899-12-30", "date_invalid"),
    dated(116, "25 o'clock", lambda now: f"{now:%Y-%m-%d}T25:00", "time_invalid"),
    dated(116, "in the future", after(minutes=7), "requested_in_future"),
    dated(116, "by a clock that is fast", after(minutes=4)),
    dated(117, "of a year ago", after(days=-365), "too_old"),
    dated(119, "a script", "javascript:alert(1)", "url_invalid", field="consent_url"),
    dated(120, "in the future", after(days=1), "consent_in_future", field="consent_at"),
    case(122, "seventeen", one(age="17"), codes="age", outcome="invalid"),
    case(122, "ten", one(age="10"), codes="age", outcome="invalid"),
    case(122, "eighteen", one(age="18"), outcome="valid"),
    dated(122, "eighteen in two days", born(18, 2), "age", field="birth_date"),
    dated(122, "eighteen since two days", born(18, -2), field="birth_date"),
    case(58, "a card in a comment", one(comment="pay with 4111-1111-1111-1111 please"),
         codes="forbidden_data"),
]  # fmt: skip
