"""What the browser is given: vendored files as published, sizes, colors that can be read."""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path

import pytest

from exchange.config import ROOT

STATIC = ROOT / "static"
VENDOR = STATIC / "vendor"
ART = ROOT / "templates" / "components" / "art"
DARK_BY_SYSTEM = ":root:not([data-bs-theme])"
DARK_BY_MARK = "[data-bs-theme=dark]"
# Text and what it stands on; WCAG 2.2 asks 4.5 of text and 3 of controls and marks.
TEXT_PAIRS = [
    ("c-ink", "c-bg"), ("c-ink", "c-surface"), ("c-ink", "c-surface2"), ("c-ink", "c-brand-tint"),
    ("c-muted", "c-bg"), ("c-muted", "c-surface"), ("c-muted", "c-surface2"),
    ("c-brand", "c-bg"), ("c-on-brand", "c-brand"), ("c-on-brand", "c-brand-2"),
    ("c-bg", "c-bad"), ("c-bg", "c-bad-2"), ("c-bg", "c-ink"),
    ("c-ok", "c-bg"), ("c-warn", "c-bg"), ("c-bad", "c-bg"), ("c-info", "c-bg"),
    ("c-hot", "c-bg"), ("c-warm", "c-bg"), ("c-cold", "c-bg"),
    ("b-ok", "b-ok-bg"), ("b-run", "b-run-bg"), ("b-warn", "b-warn-bg"), ("b-bad", "b-bad-bg"),
    ("b-mute", "b-mute-bg"),
]  # fmt: skip
MARK_PAIRS = [
    ("c-input", "c-bg"), ("c-input", "c-surface"), ("c-tick", "c-bg"),
    ("k-blue", "c-bg"), ("k-orange", "c-bg"), ("k-green", "c-bg"), ("k-pink", "c-bg"),
    ("k-grey", "c-bg"), ("k-blue", "k-fill"),
]  # fmt: skip


def tokens(selector: str) -> dict[str, str]:
    text = (STATIC / "css" / "tokens.css").read_text()
    body = text.split(selector + " {", 1)[1].split("}", 1)[0]
    return dict(re.findall(r"--([\w-]+):\s*([^;]+);", body))


LIGHT = tokens(":root, [data-bs-theme=light]")
DARK = tokens(DARK_BY_MARK)


def luminance(color: str) -> float:
    digits = color.lstrip("#")
    digits = "".join(c * 2 for c in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def packed(files: list[Path]) -> int:
    return sum(len(gzip.compress(file.read_bytes(), 9)) for file in files)


def test_vendored_files_are_the_published_ones():
    table = (VENDOR / "SOURCES.md").read_text()
    listed = dict(re.findall(r"\| (\S+/\S+) \| ([0-9a-f]{64}) \|", table))
    found = {
        str(file.relative_to(VENDOR)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in VENDOR.rglob("*")
        if file.suffix in {".js", ".css"}
    }
    assert found == listed


def test_own_styles_and_scripts_keep_their_budget():
    assert packed(list((STATIC / "css").glob("*.css"))) <= 12 * 1024
    assert packed(list((STATIC / "js").glob("*.js"))) <= 8 * 1024


def test_dark_is_the_same_by_system_and_by_mark():
    assert tokens(DARK_BY_SYSTEM) == DARK
    assert DARK.keys() == LIGHT.keys()


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_and_controls_have_contrast(theme):
    weak = [p for p in TEXT_PAIRS if contrast(theme[p[0]], theme[p[1]]) < 4.5]
    weak += [p for p in MARK_PAIRS if contrast(theme[p[0]], theme[p[1]]) < 3]
    assert not weak


def test_only_the_tokens_name_a_color():
    for name in ("app.css", "theme-bootstrap.css"):
        text = (STATIC / "css" / name).read_text()
        assert not re.findall(r"#[0-9a-fA-F]{3,8}\b(?![^{]*\{)|rgba?\(|hsla?\(", text), name


def test_every_token_that_is_used_exists():
    known = {
        *LIGHT,
        *re.findall(r"--([\w-]+):", "".join(f.read_text() for f in STATIC.rglob("css/*.css"))),
    }
    for file in (STATIC / "css").glob("*.css"):
        used = set(re.findall(r"var\(--([\w-]+)", file.read_text()))
        assert {name for name in used - known if not name.startswith("bs-")} == set(), file.name


def test_drawings_are_small_and_take_the_color_of_the_text():
    drawings = sorted(ART.glob("*.svg"))
    assert [d.stem for d in drawings] == [
        "contract", "done", "market", "payout", "sample", "upload",
    ]  # fmt: skip
    for drawing in drawings:
        assert drawing.stat().st_size <= 3 * 1024
        assert "currentColor" in drawing.read_text()
        assert "#" not in drawing.read_text()
