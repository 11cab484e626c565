"""Every error of the scoring room, as a tree.

ScoringError            stops a command or the start of the service; one line
|-- SettingsError       a wrong environment variable
|-- ModelError          a model that cannot be trusted or read
|-- ScriptError         an entry script that breaks the init/run contract
|-- ImageError          an image that cannot be built or pushed
|-- PackagesError       a lock's packages that cannot be installed
`-- OutputError         a file or folder that is not one to write to
Rejection               one request is refused; carries its HTTP status
RowError                an entry script's word for rows that it cannot score; answered with 400
"""

from __future__ import annotations

_LONGEST = 2000


class ScoringError(Exception):
    """What is wrong, the value, and the remedy, in one line. Commands print it and exit with 1."""


class SettingsError(ScoringError):
    """An environment variable holds something that it must not."""


class ModelError(ScoringError):
    """The model directory is incomplete, or its bytes are not the declared ones."""


class ScriptError(ScoringError):
    """The entry script cannot be loaded, or its init() failed."""


class ImageError(ScoringError):
    """The image cannot be built, read or pushed."""


class PackagesError(ScoringError):
    """A lock's packages cannot be installed."""


class OutputError(ScoringError):
    """A named file or folder cannot be written, or holds what is not to be lost."""


class RowError(ValueError):
    """Rows that cannot be scored; the message names the place. An entry script may raise it."""


class Rejection(Exception):  # noqa: N818 (a client's fault, refused on purpose, not our error)
    """A request that is refused, with the HTTP status and a code that a client can branch on.

    `retry_after` (seconds) goes with 429 and 503.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        retry_after: int | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers
        if retry_after is not None:
            self.headers = (*headers, ("retry-after", str(retry_after)))


def message_of(error: BaseException) -> str:
    """What an error of foreign code says, in one line of bounded length, and always."""
    try:
        text = " ".join(str(error).split())
    except BaseException as broken:
        text = f"(its message cannot be read: {type(broken).__name__})"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
