"""What tells a drawn string from a name, and how often it is wrong: measured, with fixed seeds."""

from __future__ import annotations

import base64
import builtins
import importlib.util
import random
import re
import string
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.disclosure.mask import looks_secret
from infra.disclosure.randomness import is_random, surprises

ROOT = Path(__file__).resolve().parents[3]
DRAWN = 4000
"""Strings of each kind."""

MISSED = {
    "base64, 16 bytes": 0.3,
    "base64 for URLs, 16 bytes": 1.5,
    "base64, 32 bytes": 0.1,
    "base32, 10 bytes": 1.2,
    "hexadecimal, 8 bytes": 0.3,
    "hexadecimal, 16 bytes": 0.0,
    "16 lower-case letters and digits": 0.5,
    "16 letters and digits": 0.5,
    "16 capitals and digits": 0.5,
    "16 letters": 5.0,
    "16 lower-case letters": 11.0,
    "12 letters and digits": 3.0,
}
"""Per cent that may be missed. Before, it was in the same order 1.7, 6.7, 0.03, 0, 14, 0, 31, 6.7,
0, 100, 100 and 12: letters alone were never suspected."""


def choices(alphabet: str, length: int) -> Callable[[random.Random], str]:
    return lambda source: "".join(source.choices(alphabet, k=length))


KINDS: dict[str, Callable[[random.Random], str]] = {
    "base64, 16 bytes": lambda source: base64.b64encode(source.randbytes(16)).decode(),
    "base64 for URLs, 16 bytes": lambda source: (
        base64.urlsafe_b64encode(source.randbytes(16)).decode().rstrip("=")
    ),
    "base64, 32 bytes": lambda source: base64.b64encode(source.randbytes(32)).decode(),
    "base32, 10 bytes": lambda source: base64.b32encode(source.randbytes(10)).decode(),
    "hexadecimal, 8 bytes": lambda source: source.randbytes(8).hex(),
    "hexadecimal, 16 bytes": lambda source: source.randbytes(16).hex(),
    "16 lower-case letters and digits": choices(string.ascii_lowercase + string.digits, 16),
    "16 letters and digits": choices(string.ascii_letters + string.digits, 16),
    "16 capitals and digits": choices(string.ascii_uppercase + string.digits, 16),
    "16 letters": choices(string.ascii_letters, 16),
    "16 lower-case letters": choices(string.ascii_lowercase, 16),
    "12 letters and digits": choices(string.ascii_letters + string.digits, 12),
}

_NAMES = """
sklearn-mnist-svc stmnistdev1a2b3c4d crmnistproduc1a2b3c4d rg-mnist-local-3855ea3b TLS1_2
Microsoft.MachineLearningServices Standard_LRS PerGB2018 SystemAssigned,UserAssigned westeurope
2026-11-23T08:25:36Z modelSha256 CostCenter2026 v1LegacyMode costCenter4711 v20240501preview
Windows2022 APPLICATIONINSIGHTS_CONNECTION_STRING MODEL_SHA256 ipv6AllowedForDualStack x86_64
feature/JIRA-12345-new-model team2026q4 release20260131 python3.11-slim-bookworm kubernetes1295
stprdwe01mlops mlw-mnist-prod-0a1b2c3d crmnistdev1a2b3c4d.azurecr.io 127.0.0.1:39999
"""


@pytest.mark.parametrize("kind", KINDS)
def test_drawn_strings_are_found_but_for_a_measured_rest(kind: str) -> None:
    source = random.Random(20260131)  # noqa: S311  the same strings at every run
    missed = sum(not looks_secret(KINDS[kind](source)) for _ in range(DRAWN))
    assert 100 * missed / DRAWN <= MISSED[kind]


@pytest.mark.parametrize("name", _NAMES.split())
def test_a_name_is_not_taken_for_a_secret(name: str) -> None:
    assert not looks_secret(name)


def schema_strings() -> set[str]:
    """Every string in the enumerations and type descriptions of the provider's modules in use."""
    spec = importlib.util.find_spec("pulumi_azure_native")
    assert spec
    assert spec.origin
    found: set[str] = set()
    modules = (
        "authorization containerinstance containerregistry keyvault machinelearningservices "
        "operationalinsights applicationinsights resources storage network web"
    )
    for module in modules.split():
        for file in ("_enums.py", "outputs.py"):
            text = (Path(spec.origin).parent / module / file).read_text(encoding="utf-8")
            found |= set(re.findall(r'"([A-Za-z][A-Za-z0-9_.-]{3,60})"', text))
    return found


def words_of_the_pages() -> set[str]:
    """Words of the repository's own pages; digests and examples of secrets are none."""
    text = "\n".join(
        page.read_text(encoding="utf-8")
        for page in [ROOT / "README.md", *ROOT.glob("infra/**/*.md"), *ROOT.glob("scoring/*.md")]
    )
    return set(re.findall(r"[A-Za-z][\w./-]{3,60}", text))


@pytest.mark.parametrize(
    ("corpus", "most"),
    [
        (schema_strings, 0.2),
        (words_of_the_pages, 0.2),
        (lambda: set(sys.stdlib_module_names) | set(dir(builtins)), 0.0),
    ],
    ids=["schemas", "pages", "python"],
)
def test_real_names_are_left_alone_but_for_a_measured_rest(
    corpus: Callable[[], set[str]], most: float
) -> None:
    names = corpus()
    assert len(names) > 150
    wrong = sorted(filter(is_random, names))
    assert 100 * len(wrong) / len(names) <= most, wrong


@pytest.mark.parametrize(
    ("run", "count"),
    [
        ("workspace", 0),
        ("team2026", 1),
        ("a1b2", 5),
        ("wxqz", 3),
        ("www", 0),
        ("qaZx", 2),
        ("aBcDe", 3),
    ],
)
def test_surprises_are_changes_rare_pairs_and_humps_of_one_letter(run: str, count: int) -> None:
    assert surprises(run) == count


@pytest.mark.parametrize(
    ("word", "drawn"),
    [
        ("x1x2x3x4x", False),
        ("x1x2x3x4x5", True),
        ("mnistq7x9k2m4z8", True),
        ("q1w2er0a1b2c3d", False),
        ("q1w2e3r0a1b2c3d", True),
        ("teamA1-teamB2-teamC3", True),
        ("0123456789abcdef", True),
        ("0123456789abcde", False),
        ("Aa0-Aa0_Aa0-Aa0_Aa0-Aa0", True),
        ("Aa0-Aa0-Aa0-Aa0-Aa0-Aa", False),
    ],
)
def test_what_is_long_enough_and_surprises_often_enough_is_drawn(word: str, drawn: bool) -> None:
    assert is_random(word) is drawn
