"""What the servers on this machine can refuse, each a sentence for the person who starts them."""

from pathlib import Path


class EmbeddedError(Exception):
    """A server could not be started; the text says what to do."""


class InUse(EmbeddedError):
    """Another process runs the servers of this folder."""

    def __init__(self, folder: Path, owner: str = "") -> None:
        by = f", by process {owner}" if owner else ""
        super().__init__(f"The instance in {folder} is running already{by}.")


class ForeignData(EmbeddedError):
    """What is found there is not ours, so nothing was created or changed."""
