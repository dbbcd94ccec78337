"""What the servers on this machine can refuse, each a sentence for the person who starts them."""


class EmbeddedError(Exception):
    """A server could not be started; the text says what to do."""


class InUse(EmbeddedError):
    """Another process runs the servers of this folder."""

    def __init__(self, folder: str, owner: str) -> None:
        super().__init__(f"The instance in {folder} is running already{owner}.")


class ForeignData(EmbeddedError):
    """What is found there is not ours, so nothing was created or changed."""
