"""What a text is besides its words: saved in the wrong encoding, a formula, a joke of a name.

Texts are never changed into something else and never run; they are kept and looked at.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from exchange.catalog.words import EMPTY, fold

# What starts a formula, or would be markup or a template if somebody forgot to escape it.
_UNSAFE: Final = re.compile(
    r"[=@]|[+-][^\s\d].*\(|.*(?:<\s*[/!a-z]|\{\{|\{%|\$\{|javascript:)", re.IGNORECASE | re.DOTALL
)
_FORMULA_SIGNS: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠")

# UTF-8 that was read as a one-byte page: a lead byte's letter, then one of a trail byte.
_READ_AS_1252: Final = re.compile("[ÂÃÐÑ][\x80-\xbfŒœŠšŸŽžƒˆ˜–—‘’‚“”„†‡•…‰‹›€™]")
_READ_AS_1251: Final = re.compile(
    "[РС][ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—\x98™љ›њќћџ\xa0ЎўЈ¤Ґ¦§Ё©Є«¬\xad®Ї°±Ііґµ¶·ё№є»јЅѕї]"
)

_ADDRESS: Final = re.compile(r"\w@\w")

_FAKE_WORDS: Final = frozenset(
    fold(word)
    for word in (
        *("test", "tester", "testing", "fake", "sample", "demo", "dummy", "anonymous", "anonym"),
        *("noname", "name", "firstname", "lastname", "user", "customer", "client", "lead", "xxx"),
        *("тест", "тестов", "тестовый", "тестовая", "проба", "аноним", "имя", "фамилия", "клиент"),
        *("prueba", "nombre", "apellido", "cliente", "anonimo", "ujian", "nama", "pelanggan"),
    )
)
_FAKE_NAMES: Final = frozenset(
    map(
        fold,
        (
            *("Mickey Mouse", "Donald Duck", "Santa Claus", "Harry Potter", "James Bond"),
            *("John Doe", "Jane Doe", "Микки Маус", "Дед Мороз", "Гарри Поттер", "Вася Пупкин"),
            *("Fulano de Tal", "Juan Pérez Prueba"),
        ),
    )
)
# The rows of keyboards, one after the other.
_KEYBOARD: Final = "|".join(
    map(fold, ("qwertyuiop", "asdfghjkl", "zxcvbnm", "йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю"))
)
# Without one of these words a name is neither a joke nor a way to say nothing.
_ODD_WORDS: Final = _FAKE_WORDS | {phrase.split()[-1] for phrase in _FAKE_NAMES | EMPTY if phrase}
KEYS_MIN: Final = 4  # neighbors on a keyboard that are no name
DIGITS_MAX: Final = 4  # in a name; with more it is a number or a code


def is_unsafe(text: str) -> bool:
    """Whether the text would do something in a spreadsheet or page that does not escape it."""
    return _UNSAFE.match(text) is not None


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would take the text for a formula."""
    return text.startswith(_FORMULA_SIGNS)


def repaired(text: str) -> str | None:
    """The text that was saved in the wrong encoding; None where it was not."""
    if text.isascii():
        return None
    if _READ_AS_1252.search(text):
        return _as_utf_8(text, "cp1252")
    if _READ_AS_1251.search(text):
        return _as_utf_8(text, "cp1251")
    return None


def _as_utf_8(text: str, page: str) -> str | None:
    try:
        return b"".join(_byte(c, page) for c in text).decode()
    except UnicodeError:
        return None


def _byte(letter: str, page: str) -> bytes:
    """The byte behind a letter; bytes without a letter in the page come as control characters."""
    return letter.encode("latin-1" if "\x80" <= letter <= "\x9f" else page)


def is_no_person(name: str) -> bool:
    """Whether a cleaned name is nobody's: no letters, a test, a joke, a walk over the keyboard."""
    word = fold(name)
    letters = word.replace(" ", "")
    if not letters.isalpha() and _is_no_word(letters):
        return True
    if len(letters) >= 3 and letters == letters[0] * len(letters):
        return True
    if len(letters) >= KEYS_MIN and letters in _KEYBOARD:
        return True
    if "@" in name and _ADDRESS.search(name):
        return True
    return word in _FAKE_NAMES or _FAKE_WORDS.issuperset(word.split())


def is_name_word(word: str) -> bool:
    """Whether a name of this word, and of others like it, is sound: neither mended nor looked at.

    Letters alone, not all the same, no joke, no keys side by side.
    """
    if not word.isalpha() or not unicodedata.is_normalized("NFC", word):
        return False
    if not word.isascii() and (_READ_AS_1252.search(word) or _READ_AS_1251.search(word)):
        return False
    plain = fold(word)
    return plain.isalpha() and plain not in _ODD_WORDS and not _is_walk(plain)


def _is_walk(letters: str) -> bool:
    return letters == letters[0] * len(letters) or letters in _KEYBOARD


def _is_no_word(letters: str) -> bool:
    """Whether there is no letter, or as many digits as a number or a code has."""
    return not any(map(str.isalpha, letters)) or sum(map(str.isdigit, letters)) > DIGITS_MAX
