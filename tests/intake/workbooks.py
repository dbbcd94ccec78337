"""Workbooks for tests, written part by part, so that any part can be as bad as it likes."""

import io
import zipfile
from html import escape

SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"

# Numbers of styles: general, date, date and time, percent.
DATE, MOMENT, PERCENT = 1, 2, 3
STYLES = (
    f'<styleSheet xmlns="{MAIN}"><cellXfs count="4"><xf numFmtId="0"/><xf numFmtId="14"/>'
    '<xf numFmtId="22"/><xf numFmtId="9"/></cellXfs></styleSheet>'
)


def cell(place, value, *, style=0, kind=""):
    """One cell: a text stands in the cell itself, a number as it is."""
    if kind == "":
        kind = "inlineStr" if isinstance(value, str) else "n"
    if kind == "inlineStr":
        return f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f'<c r="{place}" s="{style}" t="{kind}"><v>{value}</v></c>'


def formula(place, text, *, value=None):
    result = "" if value is None else f"<v>{value}</v>"
    return f'<c r="{place}"><f>{escape(text)}</f>{result}</c>'


def row(number, *values, hidden=False):
    """A row of values; what is already a cell stays as it is."""
    cells = "".join(
        value if str(value).startswith("<c ") else cell(f"{letters(column)}{number}", value)
        for column, value in enumerate(values, 1)
        if value is not None
    )
    return (
        f'<row r="{number}"{" hidden=" + chr(34) + "1" + chr(34) if hidden else ""}>{cells}</row>'
    )


def letters(column):
    """The letters of a column from 1."""
    head, last = divmod(column - 1, 26)
    return (letters(head) if head else "") + chr(ord("A") + last)


def sheet(*rows, before="", behind=""):
    return (
        f'<worksheet xmlns="{MAIN}">{before}<sheetData>{"".join(rows)}</sheetData>{behind}'
        "</worksheet>"
    )


def table(*records, **options):
    """A sheet of records from its first row on."""
    return sheet(*(row(number, *record) for number, record in enumerate(records, 1)), **options)


def parts(sheets, *, states=(), properties=""):
    """The parts of a workbook by their names; `sheets` are XML by the sheets' names."""
    names = list(sheets)
    listed = "".join(
        f'<sheet name="{escape(name)}" sheetId="{n}" r:id="rId{n}"'
        + (f' state="{states[n - 1]}"' if n <= len(states) and states[n - 1] else "")
        + "/>"
        for n, name in enumerate(names, 1)
    )
    related = "".join(
        f'<Relationship Id="rId{n}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(names) + 1)
    )
    return {
        "[Content_Types].xml": (
            f'<Types xmlns="{PACKAGE}/content-types"><Override PartName="/xl/workbook.xml" '
            f'ContentType="{SPREADSHEET}.sheet.main+xml"/></Types>'
        ),
        "_rels/.rels": (
            f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
            f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
        ),
        "xl/workbook.xml": (
            f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">{properties}<sheets>{listed}</sheets>'
            "</workbook>"
        ),
        "xl/_rels/workbook.xml.rels": (
            f'<Relationships xmlns="{PACKAGE}/relationships">{related}<Relationship Id="rId99" '
            f'Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>'
        ),
        "xl/styles.xml": STYLES,
        **{f"xl/worksheets/sheet{n}.xml": xml for n, xml in enumerate(sheets.values(), 1)},
    }


def workbook(sheets, *, more=None, **options):
    """A workbook; `sheets` is one sheet's XML or several by name, `more` are further parts."""
    named = sheets if isinstance(sheets, dict) else {"Sheet1": sheets}
    return zipped(parts(named, **options) | (more or {}))


def zipped(members):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return content.getvalue()


def lying(content, name, size):
    """The zip with another unpacked size of a member in its directory and before the member."""
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        true = file.getinfo(name).file_size.to_bytes(4, "little")
        packed = file.getinfo(name).compress_size.to_bytes(4, "little")
    return content.replace(packed + true, packed + size.to_bytes(4, "little"))
