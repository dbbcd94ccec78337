"""Files are read by a process that has nothing to lose and cannot be hung on to."""

import io
import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from exchange.core import chunks
from exchange.core.errors import Invalid, NotFound
from exchange.leads import confined
from exchange.leads.blocks import unpack
from exchange.leads.confined import Bounds, StoredFile
from exchange.leads.findings import FileReject
from exchange.leads.reading import examine, rows
from tests.intake.workbooks import table, workbook
from tests.waiting import eventually

SECRET = bytes(range(32))
LONG = b"name,phone\n" + b'"Ivan, Petrov",1\n' * 300_000


@pytest.fixture
def store(tmp_path):
    """Keep bytes as an upload is kept."""

    def keep(content):
        path = tmp_path / "upload"
        with path.open("wb") as out:
            written = chunks.write(io.BytesIO(content), out, secret=SECRET, bytes_max=1 << 30)
        return StoredFile(path, SECRET, written.size)

    return keep


def children(pid):
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def nursery():
    return confined.NURSERY._process.pid


@pytest.mark.parametrize(
    "content",
    [
        "имя;телефон\nИван;1\nАнна;2\n".encode("cp1251"),
        b'{"name": "Ivan", "phone": 1}\n',
        workbook({"A": table(("name", "phone"), ("Ivan", 1)), "B": table(("x",), ("y",))}),
    ],
    ids=["text", "objects", "workbook"],
)
def test_a_child_says_what_is_said_here(store, content):
    file = store(content)
    found = confined.examine(file)
    assert found == examine(io.BytesIO(content))
    with confined.blocks(file, found) as blocks:
        read = [row for block in blocks for row in unpack(block)]
    assert read == list(rows(io.BytesIO(content), found))


def test_the_first_blocks_are_short(store):
    file = store(b"a,b\n" + b"1,2\n" * 13_000)
    with confined.blocks(file, confined.examine(file)) as blocks:
        sizes = [len(unpack(block)) for block in blocks]
    assert sizes == [500, 1_000, 2_000, 4_000, 5_000, 500]


def test_a_refusal_comes_with_its_facts(store):
    with pytest.raises(FileReject) as refused:
        confined.examine(store(b",".join(b"c%d" % n for n in range(300)) + b"\n1\n"))
    assert (refused.value.code, refused.value.status) == ("too_many_columns", 413)
    assert refused.value.facts == {"found": 300, "limit": 200}


def test_an_answer_that_is_no_option_is_invalid_here_too(store):
    with pytest.raises(Invalid):
        confined.examine(store(b"a,b\n1,2\n"), answers={"encoding": "utf-7"})


def test_a_changed_or_missing_file_is_said(store):
    file = store(b"a,b\n1,2\n")
    file.path.write_bytes(file.path.read_bytes()[:-1] + b"x")
    with pytest.raises(chunks.CannotUnlock):
        confined.examine(file)
    file.path.unlink()
    with pytest.raises(NotFound):
        confined.examine(file)


def test_too_much_memory_ends_the_child_alone(store):
    texts = [Random(n).randbytes(4_000).hex() for n in range(4_000)]
    content = workbook(table(("name", "phone"), *zip(texts, range(4_000), strict=True)))
    with pytest.raises(FileReject) as refused:
        confined.examine(store(content), bounds=Bounds(memory=60_000_000))
    assert refused.value.code == "too_demanding"
    assert confined.examine(store(content)).header == ("name", "phone")


def test_too_much_time_ends_the_child_alone(store):
    file = store(LONG * 2)
    found = confined.examine(file)
    bounds = Bounds(reading=1, reading_per_megabyte=0)
    with (
        pytest.raises(FileReject) as refused,
        confined.blocks(file, found, bounds=bounds) as blocks,
    ):
        for _ in blocks:
            pass
    assert refused.value.code == "too_demanding"


def test_a_silent_child_is_not_waited_for(store):
    file = store(LONG)
    found = confined.examine(file)
    with confined.blocks(file, found, bounds=Bounds(silence=0.3)) as blocks:
        next(blocks)
        (pid,) = children(nursery())
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(FileReject) as refused:
            for _ in blocks:
                pass
    assert refused.value.code == "too_demanding"
    os.kill(pid, signal.SIGCONT)
    eventually(lambda: not is_alive(pid))


def test_a_killed_child_is_too_demanding(store, caplog):
    file = store(LONG)
    with confined.blocks(file, confined.examine(file)) as blocks:
        next(blocks)
        os.kill(children(nursery())[0], signal.SIGKILL)
        with pytest.raises(FileReject) as refused:
            list(blocks)
    assert refused.value.code == "too_demanding"
    assert "Petrov" not in caplog.text
    assert str(file.path) not in caplog.text


def test_a_child_ends_when_nobody_reads_on(store):
    file = store(LONG)
    with confined.blocks(file, confined.examine(file)) as blocks:
        next(blocks)
        (pid,) = children(nursery())
    eventually(lambda: not is_alive(pid))


def test_a_killed_nursery_is_started_again(store):
    file = store(b"a,b\n1,2\n")
    confined.examine(file)
    pid = nursery()
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not is_alive(pid))
    assert confined.examine(file).header == ("a", "b")
    assert nursery() != pid


READER = """
import sys
from pathlib import Path
from exchange.leads import confined
from exchange.leads.blocks import unpack
file = confined.StoredFile(Path(sys.argv[1]), bytes(range(32)), int(sys.argv[2]))
with confined.blocks(file, confined.examine(file)) as blocks:
    next(blocks)
    print(confined.NURSERY._process.pid, flush=True)
    sys.stdin.read()
"""


def test_a_killed_parent_leaves_nobody_behind(store):
    file = store(LONG)
    parent = subprocess.Popen(
        [sys.executable, "-c", READER, str(file.path), str(file.size)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with parent:
        theirs = int(parent.stdout.readline())
        (child,) = children(theirs)
        parent.kill()
    eventually(lambda: not is_alive(child) and not is_alive(theirs))


FORKED = """
import os, sys
from pathlib import Path
from exchange.leads import confined
from exchange.leads.blocks import unpack
file = confined.StoredFile(Path(sys.argv[1]), bytes(range(32)), int(sys.argv[2]))
confined.examine(file)
pid = os.fork()
assert confined.examine(file).header == ("a", "b")
if pid:
    os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
confined.NURSERY.stop()
os._exit(0)
"""


def test_a_forked_process_has_a_nursery_of_its_own(store):
    file = store(b"a,b\n1,2\n")
    command = [sys.executable, "-c", FORKED, str(file.path), str(file.size)]
    assert subprocess.run(command, check=False, timeout=60).returncode == 0


def test_nobody_inside_knows_a_key_of_ours(store, monkeypatch):
    confined.NURSERY.stop()
    monkeypatch.setenv("EXCHANGE_MASTER_KEYS", "1:secret")
    file = store(LONG)
    with confined.blocks(file, confined.examine(file)) as blocks:
        next(blocks)
        for pid in (nursery(), *children(nursery())):
            known = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            assert {line.partition(b"=")[0] for line in known if line} == {b"PYTHONPATH"}


INSIDE = """
import socket, sys, resource
from exchange.leads import confined_child
heavy = [name for name in ("flask", "sqlalchemy", "scipy", "psycopg", "redis") if name in sys.modules]
assert heavy == [], heavy
confined_child.confine(cpu=5, memory=1 << 28)
for attempt in (lambda: socket.socket(), lambda: open("/etc/passwd"), lambda: bytes(1 << 28)):
    try:
        attempt()
    except (OSError, MemoryError):
        continue
    sys.exit(1)
"""


def test_nothing_can_be_opened_inside():
    assert subprocess.run([sys.executable, "-c", INSIDE], check=False).returncode == 0


def test_no_more_is_open_inside_than_is_needed(store):
    file = store(LONG)
    with confined.blocks(file, confined.examine(file)) as blocks:
        next(blocks)
        (pid,) = children(nursery())
        opened = [str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir()]
    files = [name for name in opened if name.startswith("/") and name != os.devnull]
    assert files == [str(file.path)]
    assert len([name for name in opened if name.startswith("socket:")]) == 1
