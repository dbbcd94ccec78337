"""What reads an uploaded file: a process with nothing to lose, and the nursery that forks it.

A nursery is started with an empty environment, so it and its children know no key but the one of
the file that a child is given. It imports the pure readers once and forks, which takes
milliseconds. A child opens the one file, gives up files, network and memory beyond its limits, and
only then looks at a byte. Imports nothing of the application.
"""

from __future__ import annotations

import codecs
import fcntl
import gc
import gzip
import io
import json
import os
import resource
import signal
import socket
import struct
import sys
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final

from exchange.core.chunks import open_plain
from exchange.core.errors import Invalid, place_of
from exchange.core.priority import give_way, gives_way
from exchange.leads.blocks import pack
from exchange.leads.encodings import ENCODINGS
from exchange.leads.findings import FileReject
from exchange.leads.reading import Limits, Recognition, Row, examine, rows

FIRST_ROWS: Final = 500
BLOCK_ROWS: Final = 5_000
HEAD: Final = struct.Struct("!cI")  # a frame: its kind and the size of what follows
MESSAGE_MAX: Final = 1 << 24  # bytes of a request
ANSWER_MAX: Final = 1 << 29  # bytes of a frame of an answer

# Kinds of frames.
REQUEST: Final = b"?"
FOUND: Final = b"="  # JSON: a recognition
BLOCK: Final = b"+"  # rows, see `blocks`
DONE: Final = b"."
REFUSED: Final = b"!"  # JSON: a FileReject
INVALID: Final = b"#"  # JSON: an answer that is no option
FAULT: Final = b"~"  # JSON: the type of an error and where it was raised, never its text


def frame(kind: bytes, payload: bytes = b"") -> bytes:
    """The bytes of a frame."""
    return HEAD.pack(kind, len(payload)) + payload


def nurse(requests: socket.socket) -> None:
    """Fork a child for each pair of descriptors that comes, until nobody can send any more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children
    if gives_way():
        give_way()  # its session is another one than that of whoever started it
    _warm_up()
    gc.freeze()  # a child then copies fewer pages
    requests.send(DONE)
    # What a crashing library prints may hold what stood in the file.
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, sys.stderr.fileno())
    os.close(silence)
    while True:
        message, descriptors, _flags, _from = socket.recv_fds(requests, 1, 2)
        if not message:
            return
        if os.fork() == 0:
            requests.close()
            _live(*descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _warm_up() -> None:
    """Import what is imported at its first use, because a child can open no file for it."""
    for encoding in (*ENCODINGS, "cp437"):  # the last one is of the names in a zip
        codecs.lookup(encoding)
    for content in (b"a,b\n1,2\n", b'{"a":1}\n', _small_workbook()):
        file = io.BytesIO(gzip.compress(content))
        list(rows(file, examine(file)))


def _small_workbook() -> bytes:
    """The least that is a workbook: a header, a row, and a date for the parser to format."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as parts:
        for name, text in _SMALL_WORKBOOK.items():
            parts.writestr(name, text)
    return content.getvalue()


_RELATION: Final = (
    '<Relationships><Relationship Id="r1" Target="{}" Type="http://schemas.openxmlformats.org'
    '/officeDocument/2006/relationships/{}"/></Relationships>'
)
_SMALL_WORKBOOK: Final = {
    "_rels/.rels": _RELATION.format("xl/workbook.xml", "officeDocument"),
    "xl/_rels/workbook.xml.rels": _RELATION.format("sheet.xml", "worksheet"),
    "xl/workbook.xml": (
        '<workbook xmlns:r="r"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>'
    ),
    "xl/sheet.xml": (
        '<worksheet><sheetData><row r="1"><c r="A1" t="str"><v>a</v></c></row><row r="2">'
        '<c r="A2" t="d"><v>2026-11-21T12:00:00</v></c></row></sheetData></worksheet>'
    ),
}


def _live(channel_number: int, lifeline: int) -> None:
    """A child's life: one request, its answer, the end. Never returns."""
    try:
        end_with(lifeline)
        with socket.socket(fileno=channel_number) as channel, channel.makefile("rb") as stream:
            _kind, size = HEAD.unpack(stream.read(HEAD.size))
            for answer in answers_to(json.loads(stream.read(min(size, MESSAGE_MAX)))):
                channel.sendall(answer)
    finally:
        os._exit(0)


def end_with(lifeline: int) -> None:
    """Let the kernel end this process when the other end of the pipe closes, whatever it does."""
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(lifeline, fcntl.F_GETFL)
    fcntl.fcntl(lifeline, fcntl.F_SETFL, flags | os.O_ASYNC | os.O_NONBLOCK)
    try:
        os.read(lifeline, 1)
    except BlockingIOError:
        return
    os._exit(0)  # closed already


def confine(*, cpu: int, memory: int) -> None:
    """Give up what a hostile file could want: more seconds, more bytes, any file or socket."""
    limits = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_CPU: cpu,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: 0,  # nothing more is opened: no file, no socket
    }
    for limit, value in limits.items():
        resource.setrlimit(limit, (value, value))


def answers_to(request: Mapping[str, Any]) -> Iterator[bytes]:  # Any: JSON
    """The frames that answer a request: a recognition, or blocks of rows and the end."""
    try:
        secret = bytes.fromhex(request["secret"])
        with open_plain(Path(request["path"]), secret=secret, size=request["size"]) as file:
            confine(cpu=request["cpu"], memory=request["memory"])
            yield from _answers(file, request)
    except FileReject as reject:
        told = {"code": reject.code, "sentence": reject.sentence, "facts": reject.facts}
        yield frame(REFUSED, json.dumps(told).encode())
    except Invalid as invalid:
        told = {"code": invalid.code, "detail": invalid.detail}
        yield frame(INVALID, json.dumps(told).encode())
    except BaseException as error:  # noqa: BLE001  # a library that panics raises no Exception
        yield frame(
            FAULT, json.dumps({"type": type(error).__name__, "at": place_of(error)}).encode()
        )


def _answers(file: BinaryIO, request: Mapping[str, Any]) -> Iterator[bytes]:  # Any: JSON
    limits = Limits(**request["limits"])
    if request["settings"] is None:
        found = examine(file, answers=request["answers"], limits=limits)
        yield frame(FOUND, json.dumps(asdict(found)).encode())
        return
    recognition = Recognition.from_settings(request["settings"])
    for block in blocks(file, recognition, limits=limits):
        yield frame(BLOCK, block)
    yield frame(DONE)


def blocks(file: BinaryIO, recognition: Recognition, *, limits: Limits) -> Iterator[bytes]:
    """The rows of a file in blocks of some thousand, packed by `blocks.pack`.

    The first lists are short, so that whoever waits for them has something to do. What was read
    before the file is refused comes first.
    """
    found = rows(file, recognition, limits=limits)
    size = FIRST_ROWS
    while True:
        block: list[Row] = []
        try:
            block.extend(islice(found, size))
        except FileReject:
            yield pack(block)
            raise
        if not block:
            return
        yield pack(block)
        size = min(2 * size, BLOCK_ROWS)


def _place(error: BaseException) -> str:
    """File and line where the error was raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""


if __name__ == "__main__":
    nurse(socket.socket(fileno=int(sys.argv[1])))
