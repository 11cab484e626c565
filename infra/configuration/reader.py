"""Reads a stack's configuration: every value with its rule, every fault in one line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import pulumi

from infra.azure_facts import ACR_DOMAINS
from infra.configuration import tags as azure_tags
from infra.image_reference import ImageReference

T = TypeVar("T")

LOCATION = "azure-native:location"
REGION = "the short name of a region, such as westeurope"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with the configuration.

    Attributes:
        key: The whole key, such as `sklearn-mnist-svc:cpu`.
        found: What it is, or that it is not set; never a secret.
        allowed: What is allowed.
        remedy: What to do.
    """

    key: str
    found: str
    allowed: str
    remedy: str

    def __str__(self) -> str:
        return f"configuration {self.key} {self.found}; allowed: {self.allowed}; {self.remedy}"


class SettingError(pulumi.RunError):
    """Configuration that cannot be used; Pulumi prints its message without a traceback.

    Attributes:
        problems: All that is wrong, in the order of the keys.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Say all at once: one line a problem."""
        self.problems = tuple(problems)
        lines = [str(each) for each in self.problems]
        if len(lines) > 1:
            lines.insert(0, f"{len(lines)} settings are wrong:")
        super().__init__("\n".join(lines))


def foreign_image(key: str, image: ImageReference, server: str) -> Problem:
    """What is wrong with an image of another registry than the stack's own."""
    return Problem(
        key,
        f"is {_shown(str(image))}",
        f"an image of the stack's own registry, {server}",
        "push it there first: the identity that pulls has no right elsewhere",
    )


class Reader:
    """Reads values and collects what is wrong with them.

    Attributes:
        config: The project's keys of the stack.
        keys: Every key that there is, with what is allowed.
        problems: What is wrong, in the order in which it was found.
        broken: The keys with a wrong value.
    """

    def __init__(self, config: pulumi.Config, keys: Mapping[str, str]) -> None:
        self.config = config
        self.keys = keys
        self.problems: list[Problem] = []
        self.broken: set[str] = set()

    def wrong(
        self, key: str, value: object, allowed: str | None = None, remedy: str | None = None
    ) -> None:
        """Keep a fault: the key, its value, what is allowed, what to do."""
        self.broken.add(key)
        typed = remedy or f"set it with: pulumi config set {key} VALUE"
        self._fault(self._full(key), value, allowed or self.keys[key], typed)

    def unknown(self) -> None:
        """Keep a fault for every key of the project that there is not."""
        for full in pulumi.runtime.config.CONFIG.get():
            namespace, _, key = full.partition(":")
            if namespace == self.config.name and key not in self.keys:
                lower = {each.lower(): each for each in self.keys}
                near = difflib.get_close_matches(key.lower(), lower)
                meant = f"did you mean {lower[near[0]]}? " if near else ""
                self.problems.append(
                    Problem(
                        full,
                        "is unknown",
                        "the keys " + ", ".join(self.keys),
                        f"{meant}remove it with: pulumi config rm {key}",
                    )
                )

    def location(self, azure: pulumi.Config) -> str:
        """The region; it is required."""
        value = azure.get("location")
        if value is None or not re.fullmatch(r"[a-z][a-z0-9]{2,31}", value):
            typed = f"set it with: pulumi config set {LOCATION} westeurope"
            self._fault(LOCATION, value, REGION, typed)
        return value or ""

    def text(self, key: str, pattern: str) -> str | None:
        """A value that matches as a whole; None where it is not set, or does not."""
        value = self.config.get(key)
        if value is not None and not re.fullmatch(pattern, value):
            self.wrong(key, value)
            return None
        return value

    def image(self) -> ImageReference | None:
        """The image, by server and digest and nothing else."""
        value = self.config.get("image")
        if value is None:
            return None
        found = ImageReference.parse(value)
        # A tag beside the digest says nothing, or something else than what runs.
        if found and found.server and (found.digest or "").startswith("sha256:") and not found.tag:
            return found
        self.wrong("image", value)
        return None

    def own(self, image: ImageReference, registry: str) -> None:
        """Hold the image's host against the registry's name.

        A registry of Azure's is at NAME.DOMAIN. A host with a port is none: it is compared with
        what the resource manager answers, by the scoring group.
        """
        host = (image.server or "").lower()
        name, _, domain = host.partition(".")
        if ":" not in host and (name != registry or domain not in ACR_DOMAINS):
            server = f"{registry}.{ACR_DOMAINS[0]}"
            self.problems.append(foreign_image(self._full("image"), image, server))

    def number(
        self,
        key: str,
        parse: Callable[[str], T],
        least: float,
        most: float,
        *,
        step: float | None = None,
    ) -> T | None:
        """A number within bounds, in steps where there are some; None where it is not set."""
        value = self.config.get(key)
        if value is None:
            return None
        try:
            number = parse(value)
        except ValueError:
            self.wrong(key, value)
            return None
        size = float(number)  # pyright: ignore[reportArgumentType]
        if not least <= size <= most or (step and abs(size / step - round(size / step)) > 1e-6):
            self.wrong(key, value)
            return None
        return number

    def tags(self) -> dict[str, str]:
        """The tags; none where they are not set, or are no object."""
        text = self.config.get("tags")
        try:
            value = self.config.get_object("tags")
        except pulumi.ConfigTypeError:
            value = text
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.wrong("tags", text)
            return {}
        for allowed, remedy in azure_tags.problems(value):
            self.wrong("tags", text, allowed, remedy)
        return dict(value)

    def secret(
        self,
        key: str,
        is_good: Callable[[str], bool] | None = None,
        typed: str | None = None,
    ) -> pulumi.Output[str] | None:
        """A value that was set as a secret; no fault shows it.

        Args:
            key: The key.
            is_good: What it has to be; a key of 16 to 256 characters where nothing is said.
            typed: What sets it.
        """
        full = self._full(key)
        remedy = f"set it with: {typed or f'pulumi config set --secret {key}'}"
        text = pulumi.runtime.config.get_config(full)
        if text is None:
            return None
        if not pulumi.runtime.config.is_config_secret(full):
            self.problems.append(Problem(full, "is not a secret", self.keys[key], remedy))
        elif not (is_good or _is_key)(text):
            self.problems.append(Problem(full, "is [secret]", self.keys[key], remedy))
        return self.config.require_secret(key)

    def is_set(self, key: str) -> bool:
        """Whether the configuration has it, right or wrong."""
        return pulumi.runtime.config.get_config(self._full(key)) is not None

    def valid_number(self, key: str) -> int | None:
        """A whole number that was read without a fault."""
        value = self.config.get(key)
        return None if value is None or key in self.broken else int(value)

    def useless(self, key: str, why: str) -> None:
        """A key that is set and has no meaning beside the others; its value is not shown."""
        remedy = f"remove it with: pulumi config rm {key}"
        self.problems.append(Problem(self._full(key), why, "nothing", remedy))

    def _fault(self, full: str, value: object, allowed: str, remedy: str) -> None:
        found = "is not set" if value is None else f"is {_shown(value)}"
        self.problems.append(Problem(full, found, allowed, remedy))

    def _full(self, key: str) -> str:
        return f"{self.config.name}:{key}"


def _shown(value: object) -> str:
    """A value, cut where it is so long that what is allowed would be lost behind it."""
    text = repr(value)
    if len(text) <= 120:
        return text
    return f"{text[:80]} ... {text[-20:]} ({len(str(value))} characters)"


def _is_key(text: str) -> bool:
    return 16 <= len(text) <= 256 and text.isprintable() and " " not in text
