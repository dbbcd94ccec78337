"""Cases of files, sheets, packages and headers (5.1 and 5.2 of the catalogue)."""

import gzip

from tests.intake.cases import (
    GOOD_FILE,
    HEADER,
    OTHER,
    ROW,
    case,
    people,
    quoted,
    refused,
    russian,
)
from tests.intake.workbooks import (
    DATE,
    MAIN,
    MOMENT,
    PERCENT,
    cell,
    formula,
    lying,
    parts,
    row,
    sheet,
    table,
    workbook,
    zipped,
)
from tests.leads.intake_case import csv_of

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
RUSSIA = {"country": "ru"}

TEXTS = [
    refused(1, "no bytes", b"", "empty"),
    refused(2, "header only", b"name,phone\n", "no_rows"),
    refused(2, "header without line end", b"name,phone", "no_rows"),
    refused(3, "blank lines only", b"\n\r\n\n", "no_rows"),
    refused(3, "commas only", b",,,\n,,,\n,,,\n", "no_rows"),
    refused(3, "header and blank lines", b"name,phone\n\n,\n  ,  \n", "no_rows"),
    refused(3, "a separator and nothing else", b"sep=;\n", "no_rows"),
    case(4, "utf-8 with mark", b"\xef\xbb\xbf" + GOOD_FILE, notes="bom", valid=2),
    case(5, "utf-16", GOOD_FILE.decode().encode("utf-16"), notes="encoding", valid=2),
    case(5, "utf-16 be", b"\xfe\xff" + GOOD_FILE.decode().encode("utf-16-be"), notes="encoding",
         valid=2),
    case(6, "utf-16 le without mark", GOOD_FILE.decode().encode("utf-16-le"), notes="encoding",
         valid=2),
    case(6, "utf-16 be without mark", russian("utf-16-be"), notes="encoding", valid=5,
         options=RUSSIA),
    case(7, "cp1251", russian("cp1251"), asked="encoding", valid=5, options=RUSSIA),
    case(8, "koi8-r", russian("koi8-r"), asked="encoding", valid=5, options=RUSSIA),
    case(8, "cp866", russian("cp866"), asked="encoding", valid=5, options=RUSSIA),
    case(8, "cp1252", csv_of(HEADER, ("José Muñoz", ROW[1])).decode().encode("cp1252"),
         asked="encoding", valid=1),
    case(10, "double encoded", csv_of(HEADER, ("Иван Петров".encode().decode("latin-1"), ROW[1])),
         codes="mojibake", outcome="in_review"),
    case(10, "read as cp1251", csv_of(HEADER, ("Иван Петров".encode().decode("cp1251", "replace")
         .replace("\ufffd", "\u0098"), ROW[1])), codes="mojibake", outcome="in_review"),
    case(11, "NUL in a cell", csv_of(HEADER, ("Iv\0an", ROW[1]), OTHER), codes="control_char",
         valid=1),
    case(13, "semicolons", csv_of(HEADER, ROW, delimiter=";"), notes="delimiter", valid=1),
    case(14, "tabs", csv_of(HEADER, ROW, delimiter="\t"), notes="delimiter", valid=1),
    case(15, "pipes", csv_of(HEADER, ROW, delimiter="|"), notes="delimiter", valid=1),
    case(15, "declared separator", b"sep=;\n" + csv_of(HEADER, ROW, delimiter=";"), valid=1),
    refused(17, "mixed separators", csv_of(HEADER, ROW) + csv_of(ROW, OTHER, delimiter=";"),
            "delimiter_unclear"),
    case(17, "one row mixed", csv_of(HEADER, *people(9)) + csv_of(OTHER, delimiter=";"),
         codes="columns", valid=9),
    case(18, "carriage returns", GOOD_FILE.replace(b"\n", b"\r"), notes="line_ends", valid=2),
    case(18, "mixed line ends", b"name,phone\r\nIvan P,+14155552671\rAnna S,+14155552680\n",
         notes="line_ends", valid=2),
    case(19, "line break in a cell", b'name,phone\n"Ivan\nPetrov",+14155552671\n', valid=1),
    case(21, "quotes inside a cell", b'name,phone\nBob "B" Lee,+14155552671\n', valid=1),
    case(22, "a cell of 1 MB", csv_of(HEADER, ("x" * 1_000_000, ROW[1]), OTHER),
         codes="cell_too_long", valid=1),
    case(22, "a quoted cell of 1 MB", b'name,phone\n"' + b"xy\n" * 350_000 + b'",1\nAnna S,'
         b"+14155552680\n", codes="cell_too_long", valid=1),
    case(22, "a cell of 9 KB", csv_of(HEADER, ("x" * 9_000, ROW[1]), OTHER),
         codes="cell_too_long", valid=1),
    case(22, "a row of 70 KB",
         csv_of((*HEADER, *(f"c{n}" for n in range(20))), (*ROW, *["x" * 3_500] * 20)),
         codes="row_too_long"),
    refused(23, "10,000 columns", csv_of([f"column {n}" for n in range(10_000)], ["1"] * 10_000),
            "too_many_columns"),
    refused(23, "201 columns", csv_of([f"c{n}" for n in range(201)], ["1"] * 201),
            "too_many_columns"),
    refused(24, "a row too many", b"name,phone\n" + b"Ivan,1\n" * 1_000_001, "too_many_rows"),
    case(29, "CSV named xlsx", GOOD_FILE, notes="not_a_workbook", valid=2,
         options={"name": "leads.xlsx"}),
    refused(29, "html as csv", b"<html><table><tr><td>name</td></tr></table>", "type"),
    refused(29, "spreadsheetml", b'<?xml version="1.0"?><Workbook></Workbook>', "type"),
    refused(33, "pdf", b"%PDF-1.7\n%\xe2\xe3", "type"),
    refused(33, "png", b"\x89PNG\r\n\x1a\n" + bytes(30), "type"),
    refused(33, "jpeg", b"\xff\xd8\xff\xe0" + bytes(30), "type"),
    refused(33, "program", b"MZ\x90\x00\x03" + bytes(60), "type"),
    refused(33, "random bytes", bytes(range(256)) * 8, "type"),
    case(124, "a thousand rows, all bad", csv_of(HEADER, *[("Ivan Petrov", "12345")] * 1_000),
         codes="short_code", outcome="invalid"),
    case(125, "one person a thousand times", csv_of(HEADER, *[ROW] * 1_000),
         codes="duplicate_in_file", valid=1),
    case(0, "mark in the middle", b"name,phone\n\xef\xbb\xbf" + csv_of(ROW, OTHER), valid=2),
    case(0, "two files run together", GOOD_FILE + b"\xef\xbb\xbf" + GOOD_FILE,
         codes="duplicate_in_file not_phone", valid=2),
    case(0, "quote open at the end", csv_of(("name", "phone", "city"), *((*person, "Reno") for
         person in people(4))) + b'Anna Smith,+14155552690,"Reno\n', codes="unclosed_quote",
         valid=4),
    case(0, "separators behind each row", b"name,phone,,\nIvan P,+14155552671,,\n"
         b"Anna S,+14155552680,,\n", valid=2),
    case(0, "semicolons and decimal commas", b"name;phone;budget\nIvan P;+14155552671;1500,50\n"
         b"Anna S;+14155552680;99,90\n", asked="decimal_separator", valid=2),
    case(0, "utf-32", GOOD_FILE.decode().encode("utf-32"), notes="encoding", valid=2),
    case(0, "utf-7 is plain text", "name,phone\nJosé,+14155552671\n".encode("utf-7"), valid=1),
    case(0, "latin-1 of Spain", csv_of(("nombre completo", "phone"), ("Begoña Núñez", ROW[1]),
         ("Íñigo Peña", OTHER[1])).decode().encode("latin-1"), asked="encoding"),
    case(0, "titles over the header", b"Leads of May\n\nname,phone,city\n" + csv_of(
         (*ROW, "Reno"), (*OTHER, "Reno")), asked="header_row", valid=2),
    case(0, "header over two rows", b"Contact,,Place\nname,phone,city\n" + csv_of(
         (*ROW, "Reno"), (*OTHER, "Reno")), asked="header_row", valid=2),
    case(0, "the same header in another case", csv_of(("name", "phone", "PHONE"), (*ROW,
         OTHER[1])), asked="duplicate_header", valid=1),
    case(0, "every cell quoted", quoted(HEADER, ROW, OTHER), valid=2),
    case(0, "end mark of DOS", GOOD_FILE + b"\x1a", valid=2),
]  # fmt: skip

PACKAGES = [
    refused(32, "zip", zipped({"leads.csv": GOOD_FILE}), "archive"),
    refused(32, "7z", b"7z\xbc\xaf\x27\x1c" + bytes(60), "archive"),
    refused(32, "rar", b"Rar!\x1a\x07\x00" + bytes(60), "archive"),
    refused(32, "tar", b"leads.csv".ljust(257, b"\0") + b"ustar" + bytes(60), "archive"),
    case(32, "gzip of a CSV", gzip.compress(GOOD_FILE), notes="packed", valid=2),
    case(32, "gzip in two members", gzip.compress(GOOD_FILE) + gzip.compress(csv_of(*people(3))),
         notes="packed", codes="duplicate_in_file", valid=4),
    case(32, "gzip of a workbook", gzip.compress(workbook(table(HEADER, ROW))), notes="packed",
         valid=1),
    refused(32, "gzip in gzip", gzip.compress(gzip.compress(GOOD_FILE)), "archive"),
    refused(32, "gzip of a zip", gzip.compress(zipped({"leads.csv": GOOD_FILE})), "archive"),
    refused(32, "gzip bomb", gzip.compress(bytes(20_000_000)), "zip_ratio"),
    refused(32, "gzip of nothing", gzip.compress(b""), "empty"),
    refused(27, "cut gzip", gzip.compress(csv_of(HEADER, *people(300)))[:-200], "incomplete"),
    refused(0, "gzip with another sum", gzip.compress(GOOD_FILE)[:-8] + bytes(8), "damaged"),
    refused(0, "gzip with a tail", gzip.compress(GOOD_FILE) + b"more of it", "damaged"),
    refused(0, "no gzip behind its sign", b"\x1f\x8b\x08\x00" + bytes(60), "damaged"),
]  # fmt: skip

LARGE = '<row><c t="str"><v>Ivan Petrov</v></c><c><v>14155552671</v></c></row>' * 100_000
HIDDEN_ROW = sheet(row(1, *HEADER), row(2, *ROW, hidden=True), row(3, *OTHER))
HIDDEN_COLUMN = table(
    (*HEADER, "comment"), (*ROW, "secret"), before='<cols><col min="3" max="3" hidden="1"/></cols>'
)
ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
WORKBOOKS = [
    case(0, "a workbook", workbook(table(HEADER, ROW, OTHER)), notes="format sheet", valid=2),
    refused(30, "old xls", OLE + bytes(600), "xls_old"),
    refused(31, "macros", workbook(table(HEADER, ROW), more={"xl/vbaProject.bin": "x"}), "macros"),
    refused(31, "xlsm without its macros", workbook(table(HEADER, ROW), more={
        "[Content_Types].xml": '<Types><Override ContentType="application/vnd.ms-excel.sheet.'
        'macroEnabled.main+xml"/></Types>'}), "macros"),
    refused(33, "a text document", zipped({"[Content_Types].xml": "<Types/>",
            "word/document.xml": "<document/>"}), "type"),
    refused(33, "a binary workbook", zipped({"[Content_Types].xml": "<Types/>",
            "xl/workbook.bin": "x"}), "type"),
    refused(35, "protected", OLE + bytes(512) + "EncryptedPackage".encode("utf-16-le"),
            "encrypted"),
    refused(35, "protected, listed at the end", OLE + bytes(22) + (9).to_bytes(2, "little")
            + bytes(16) + (600).to_bytes(4, "little") + bytes(601 * 512 - 52)
            + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
    refused(36, "bomb of many rows", workbook(sheet(row(1, *HEADER), LARGE)), "zip_ratio"),
    refused(37, "bomb of one cell", workbook(table(HEADER, ("x" * 20_000_000, "1"))), "zip_ratio"),
    refused(38, "directory that lies", lying(workbook(sheet(row(1, *HEADER), LARGE)),
            "xl/worksheets/sheet1.xml", 9_000), "zip_ratio"),
    refused(39, "bomb of shared strings", workbook(table(HEADER, ROW), more={
        "xl/sharedStrings.xml": "<sst>" + "<si><t>aaaaaaaa</t></si>" * 400_000 + "</sst>"}),
        "zip_ratio"),
    refused(40, "billion laughs", workbook(ENTITIES + table(HEADER, ("&b;", "1"))),
            "xml_entities"),
    refused(40, "external entity", workbook(table(HEADER, ROW), more={
        "docProps/core.xml": OUTSIDE + "<x>&a;</x>"}), "xml_entities"),
    refused(40, "entities in UTF-16", workbook(table(HEADER, ROW), more={
        "docProps/core.xml": ('<?xml version="1.0" encoding="UTF-16"?>' + ENTITIES + "<x/>")
        .encode("utf-16")}), "xml_entities"),
    case(42, "first sheet empty", workbook({"Notes": sheet(), "Leads": table(HEADER, ROW)}),
         asked="sheet", valid=1),
    case(42, "two tables", workbook({"May": table(HEADER, ROW), "June": table(HEADER, OTHER)}),
         asked="sheet", valid=1),
    case(42, "the second of two tables", workbook({"May": table(HEADER, ROW),
         "June": table(HEADER, *people(3))}), asked="sheet", valid=3,
         options={"answers": {"sheet": "June"}}),
    case(42, "empty sheets behind", workbook({"A": table(HEADER, ROW), "B": sheet()}), valid=1),
    refused(42, "no sheet with anything", workbook({"A": sheet(), "B": sheet()}), "no_rows"),
    case(43, "hidden row", workbook(HIDDEN_ROW), asked="hidden", notes="hidden_rows", valid=1),
    case(43, "hidden row that is wanted", workbook(HIDDEN_ROW), asked="hidden", valid=2,
         options={"answers": {"hidden": "read"}}),
    case(43, "hidden column", workbook(HIDDEN_COLUMN), asked="hidden", notes="hidden_columns",
         valid=1),
    case(43, "hidden sheet", workbook({"A": table(HEADER, ROW), "B": table(HEADER, OTHER)},
         states=("", "veryHidden")), notes="hidden_sheets", valid=1),
    case(44, "merged cells", workbook(sheet(row(1, *HEADER), row(2, *ROW), row(3, None, OTHER[1]),
         behind='<mergeCells><mergeCell ref="A2:A3"/></mergeCells>')), notes="merged_cells",
         codes="missing_required", valid=1),
    case(45, "formula without its value", workbook(sheet(row(1, *HEADER), row(2, *ROW),
         row(3, "Anna Smith", formula("B3", "B2+9")))), codes="formula_without_value", valid=1),
    case(45, "nothing but such formulas", workbook(sheet(row(1, *HEADER), row(2, formula("A2",
         "A1"), formula("B2", "B1")))), codes="formula_without_value", outcome="invalid"),
    case(45, "formula with its value", workbook(sheet(row(1, *HEADER), row(2, "Ivan Petrov",
         formula("B2", "B1", value="14155552671")))), valid=1),
    case(45, "error in a cell", workbook(sheet(row(1, *HEADER), row(2, *ROW), row(3, "Anna Smith",
         cell("B3", "#N/A", kind="e")))), codes="error_value", valid=1),
    refused(47, "external links", workbook(table(HEADER, ROW), more={
        "xl/externalLinks/externalLink1.xml": "<externalLink/>"}), "external_links"),
    refused(47, "DDE", workbook(table(HEADER, ROW), more={
        "xl/externalLinks/externalLink1.xml": '<externalLink><ddeLink ddeService="cmd"/>'
        "</externalLink>"}), "external_links"),
    case(66, "phone as a number", workbook(table(HEADER, ("Ivan Petrov", 79161234567.0))),
         valid=1, options=RUSSIA),
    refused(0, "value in the last cell", workbook(sheet('<row r="1048576"><c r="XFD1048576"><v>1'
            "</v></c></row>")), "too_many_columns"),
    refused(0, "value in the last row", workbook(sheet(row(1, *HEADER), row(2, *ROW), row(1048576,
            None, None, None, "x"))), "too_many_cells"),
    refused(0, "cell outside of its row", workbook(sheet('<row r="1"><c r="A900000"><v>1</v></c>'
            "</row>")), "damaged"),
    refused(0, "column that does not exist", workbook(sheet('<row r="1"><c r="ZZZZZ1"><v>1</v>'
            "</c></row>")), "damaged"),
    refused(0, "cut workbook", workbook(table(HEADER, *people(50)))[:-300], "incomplete"),
    refused(0, "text instead of XML", workbook("no sheet"), "damaged"),
    refused(0, "text that is nowhere", workbook(sheet(row(1, *HEADER), '<row r="2"><c r="A2" t="s">'
            "<v>7</v></c></row>")), "damaged"),
    refused(0, "path trick", zipped(parts({"A": table(HEADER, ROW)}) | {"../../evil.xml": "<x/>"}),
            "damaged"),
    refused(0, "201 parts", workbook(table(HEADER, ROW), more={f"xl/media/{n}.png": "x" for n in
            range(200)}), "zip_members"),
    case(0, "prefixed names", workbook(table(HEADER, ROW).replace("<", "<x:").replace("<x:/", "</x:")
         .replace("xmlns=", "xmlns:x=")), valid=1),
    case(0, "cells without places", workbook(sheet('<row><c t="str"><v>name</v></c><c t="str">'
         '<v>phone</v></c></row><row><c t="str"><v>Ivan P</v></c><c><v>14155552671</v></c></row>')),
         valid=1),
    case(0, "shared strings", workbook(sheet('<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" '
         't="s"><v>1</v></c></row>', row(2, *ROW)), more={"xl/sharedStrings.xml":
         f'<sst xmlns="{MAIN}"><si><t>name</t></si><si><r><t>ph</t></r><r><t>one</t></r></si></sst>',
         "xl/_rels/workbook.xml.rels": parts({"A": ""})["xl/_rels/workbook.xml.rels"].replace(
             "</Relationships>", '<Relationship Id="rId98" Type="http://schemas.openxmlformats.org/'
             'officeDocument/2006/relationships/sharedStrings" Target="sharedStrings.xml"/>'
             "</Relationships>")}), valid=1),
    case(0, "times as Excel keeps them", lambda now: workbook(sheet(row(1, *HEADER, "requested at"),
         row(2, *ROW, cell("C2", serial(now) - 1, style=MOMENT)))), valid=1),
    case(0, "days since 1904", lambda now: workbook(sheet(row(1, *HEADER, "requested at"), row(2,
         *ROW, cell("C2", int(serial(now)) - 1463, style=DATE))),
         properties='<workbookPr date1904="1"/>'), valid=1),
    case(0, "percent", workbook(sheet(row(1, *HEADER, "budget"), row(2, *ROW, cell("C2", 0.5,
         style=PERCENT)))), valid=1),
    case(0, "a link in a cell", workbook(table(HEADER, ROW, behind='<hyperlinks><hyperlink ref="A1"'
         "/></hyperlinks>"), more={"xl/worksheets/_rels/sheet1.xml.rels": '<Relationships>'
         '<Relationship Id="rId1" TargetMode="External" Target="mailto:a@example.com"/>'
         "</Relationships>"}), valid=1),
]  # fmt: skip


def serial(now):
    """A time as Excel counts: days since the end of 1899."""
    return now.timestamp() / 86_400 + 25_569


def lines(*texts):
    return "\n".join(texts).encode() + b"\n"


IVAN = '{"name": "Ivan Petrov", "phone": "+14155552671"}'
ANNA = '{"phone": "+14155552680", "name": "Anna Smith"}'
OBJECTS = [
    case(0, "objects", lines(IVAN, ANNA), notes="format", valid=2),
    case(0, "one object", IVAN.encode(), notes="format", valid=1),
    case(0, "objects in UTF-16", lines(IVAN, ANNA).decode().encode("utf-16"), valid=2),
    case(0, "objects with a mark", b"\xef\xbb\xbf" + lines(IVAN, "", ANNA), valid=2),
    case(0, "gzip of objects", gzip.compress(lines(IVAN, ANNA)), notes="packed format", valid=2),
    case(0, "a list as a value", lines(IVAN, ANNA[:-1] + ', "email": ["a@example.com"]}'),
         codes="nested_value", valid=1),
    case(0, "an object as a value", lines(IVAN, ANNA[:-1] + ', "email": {}}'),
         codes="nested_value", valid=1),
    case(0, "keys that come late", lines(*(f'{{"name": "{name}", "phone": "{phone}"}}' for name,
         phone in people(300)), ANNA[:-1] + ', "utm": "x"}'), notes="later_keys",
         codes="duplicate_in_file", valid=300),
    case(0, "a line that is no object", lines(IVAN, "name,phone", "[1]", '{"name": ', ANNA),
         codes="json_invalid", valid=2),
    case(0, "a key twice", lines(IVAN, ANNA[:-1] + ', "name": "Olga"}'), codes="json_invalid",
         valid=1),
    case(0, "a number that is none", lines(IVAN, '{"name": "Anna", "phone": NaN}'),
         codes="json_invalid", valid=1),
    case(0, "a phone as a number", lines(IVAN, '{"name": "Anna Smith", "phone": 14155552680}'),
         valid=2),
    case(0, "a NUL in a value", lines(IVAN, '{"name": "An\\u0000na", "phone": "+14155552680"}'),
         codes="control_char", valid=1),
    case(0, "half a character", lines(IVAN, '{"name": "An\\ud800na", "phone": "+14155552680"}'),
         codes="encoding", valid=1),
    case(0, "deeply nested", lines(IVAN, '{"a":' * 20_000), codes="json_invalid", valid=1),
    case(0, "a line of 1 MB", lines(IVAN, '{"name": "' + "x" * 1_000_000 + '"}'),
         codes="row_too_long", valid=1),
    refused(29, "JSON over several lines", b'{"name":\n "Ivan"}\n', "type"),
    refused(29, "JSON in an array", b'[{"name": "Ivan", "phone": "1"}]\n', "type"),
    refused(0, "objects without keys", b"{}\n{}\n", "no_rows"),
    refused(0, "201 keys", lines("{" + ",".join(f'"k{n}":1' for n in range(201)) + "}"),
            "too_many_columns"),
]  # fmt: skip

HEADERS = [
    case(52, "the same header twice", csv_of((*HEADER, "phone"), (*ROW, "+14155552680")),
         asked="duplicate_header"),
    case(52, "two words for one field", csv_of(("name", "mobile", "phone number"),
         (*ROW, "+14155552680")), asked="several_columns"),
    case(53, "case, space and mark", csv_of(("\ufeff NAME ", "Phone"), ROW), valid=1),
    case(53, "no-break and zero-width", csv_of(("full\u00a0name", "ph\u200bone"), ROW), valid=1),
    case(53, "underscore", csv_of(("Full_Name", "PHONE-NUMBER"), ROW), valid=1),
    case(55, "Russian", csv_of(("Имя", "Телефон"), ROW), valid=1),
    case(55, "Spanish", csv_of(("name", "TELEFONO"), ROW), valid=1),
    case(55, "by the cells", csv_of(("Wer", "Rufnummer"), ROW, OTHER), valid=2),
    refused(56, "no phone column", csv_of(("name", "city"), *[("Ivan Petrov", "Kazan")] * 50),
            "missing_column"),
    case(57, "unknown columns", csv_of((*HEADER, "utm_x"), (*ROW, "secret")), valid=1),
    refused(58, "card header", csv_of((*HEADER, "Card Number"), (*ROW, "1")), "forbidden_data"),
    refused(58, "cvv header", csv_of((*HEADER, "CVV"), (*ROW, "1")), "forbidden_data"),
    refused(58, "ssn header", csv_of((*HEADER, "SSN"), (*ROW, "1")), "forbidden_data"),
    refused(58, "password header", csv_of((*HEADER, "Пароль"), (*ROW, "1")), "forbidden_data"),
    refused(58, "health header", csv_of((*HEADER, "Diagnosis"), (*ROW, "1")), "forbidden_data"),
    refused(58, "card cells", csv_of((*HEADER, "x"), (*ROW, "4111 1111 1111 1111")),
            "forbidden_data"),
    refused(58, "ssn cells", csv_of((*HEADER, "x"), (*ROW, "078-05-1120")), "forbidden_data"),
    case(58, "a yes about cards", csv_of((*HEADER, "has credit card"), (*ROW, "yes")), valid=1),
    case(60, "total line", csv_of(HEADER, ROW, ("Total", "500")), codes="short_code", valid=1),
    case(60, "total line without a phone", csv_of(HEADER, ROW, ("Total", "")),
         codes="missing_required", valid=1),
    case(61, "too few cells", csv_of(HEADER, ROW, ("Anna",)), codes="columns", valid=1),
    case(61, "too many cells", csv_of(HEADER, ROW, (*OTHER, "x")), codes="columns", valid=1),
    case(61, "empty cells too many", csv_of(HEADER, (*ROW, "", " ")), valid=1),
]  # fmt: skip
