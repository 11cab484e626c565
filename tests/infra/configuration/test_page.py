"""The page of all settings is what the program reads."""

from __future__ import annotations

from pathlib import Path

from infra.configuration import page as configuration_page
from infra.settings import KEYS

FILE = Path(__file__).resolve().parents[3] / "docs" / "configuration.md"


def rows() -> dict[str, list[str]]:
    table = configuration_page.page().partition("| --- ")[2].splitlines()[1:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    return {key.strip("`"): rest for key, *rest in cells}


def test_the_page_is_up_to_date() -> None:
    told = "run: python -m infra.configuration.page > docs/configuration.md"
    assert FILE.read_text(encoding="utf-8") == configuration_page.page(), told


def test_every_setting_says_its_type_what_is_allowed_and_what_it_means() -> None:
    found = rows()
    assert list(found) == ["azure-native:location", *KEYS]
    for key, (meaning, kind, _, allowed, target) in found.items():
        assert kind, key
        assert allowed, key
        assert meaning.endswith("."), key
        assert target in {"both", "aks"}, key


def test_defaults_are_written_as_they_are_typed() -> None:
    found = {key: default for key, (_, _, default, *_) in rows().items()}
    assert found["azure-native:location"] == "required"
    assert found["cpu"] == "`1.0`"
    assert found["protect"] == "`true`"
    assert found["tags"] == "`{}`"
    assert found["image"] == found["kubeconfig"] == ""


def test_what_one_target_alone_reads_says_so() -> None:
    assert rows()["minNodes"][-1] == "aks"
    assert rows()["memoryGb"][-1] == "both"
