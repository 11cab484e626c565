"""Text from outside: what is no text is refused, what a terminal would obey is escaped."""

from __future__ import annotations

import re
from typing import Any

from local_azure.arm.errors import ArmError

_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters but tab and line ends, and halves of a surrogate pair: no log or terminal
should get them, and UTF-8 has no place for the latter."""


def printable(text: str) -> str:
    """The text with control characters and lone surrogates as escapes, for logs and messages."""
    return _NO_TEXT.sub(lambda bad: f"\\x{ord(bad[0]):02x}", text)


def is_text(text: str) -> bool:
    """Whether nothing in it would have to be escaped."""
    return _NO_TEXT.search(text) is None


def check_text(value: Any, path: str = "") -> None:
    """Refuse control characters and lone surrogates anywhere in a JSON value, names included.

    Raises:
        ArmError: 400 `InvalidRequestContent` with the place.
    """
    if isinstance(value, str):
        if bad := _NO_TEXT.search(value):
            raise ArmError(
                400,
                "InvalidRequestContent",
                f"The value of '{path}' has the character U+{ord(bad[0]):04X}, which is no text.",
                path or None,
            )
    elif isinstance(value, dict):
        for name, inner in value.items():
            check_text(name, f"{path}.*".removeprefix("."))
            check_text(inner, f"{path}.{name}".removeprefix("."))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            check_text(inner, f"{path}[{index}]")
