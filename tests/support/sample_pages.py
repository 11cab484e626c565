"""A review and a drift check with everything that their pages can show."""

from __future__ import annotations

import datetime
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from infra.disclosure.mask import Mask
from infra.drift import history
from infra.drift import page as drift_page
from infra.drift.baseline import Accepted, Stale
from infra.drift.finding import Finding, Kind, Question, Severity
from infra.drift.repair import Repair
from infra.drift.report import Report as DriftReport
from infra.policy.limits import Limits
from infra.preview import events, secret_lists, unknowns
from infra.preview.secret_lists import Opened
from infra.review import manifests
from infra.review import page as review_page
from infra.review import report as review_report
from tests.infra.review.conftest import GROUP_TYPE, a_group, a_step, a_text, some_outputs

MODEL = Path(__file__).resolve().parents[2] / "model_eval" / "models" / "sklearn_mnist" / "1"
NEW, IMAGES = sha256(b"model 2").hexdigest(), [sha256(b"1").hexdigest(), sha256(b"2").hexdigest()]
STORAGE = "azure-native:storage:StorageAccount"
REGISTRY = "azure-native:containerregistry:Registry"


def report(folder: Path) -> review_report.Report:
    """Another model, a larger container, an open storage account, a new registry."""
    old = json.loads((MODEL / "manifest.json").read_text(encoding="utf-8"))
    models = folder / "models"
    _manifest(models, "1", old)
    _manifest(models, "2", _retrained(old))
    group = GROUP_TYPE, a_group(IMAGES[0], old["sha256"], "1"), a_group(IMAGES[1], NEW, "2", cpu=2)
    diff = {"containers[0].resources.requests.cpu": "update", "containers[0].image": "update"}
    account = {"accountName": "stmnistdev1a2b3c4d", "location": "westeurope"}
    told = a_text(
        a_step("replace", "scoring-group", *group, diff),
        a_step(
            *("update", "account", STORAGE),
            {**account, "minimumTlsVersion": "TLS1_2", "tags": {"team": "blue"}},
            {**account, "minimumTlsVersion": "TLS1_0", "tags": {"team": "green"}},
            {"minimumTlsVersion": "update", "tags.team": "update"},
        ),
        a_step("create", "registry", REGISTRY, None, {"adminUserEnabled": True, "tags": {}}),
        a_step("same", "resource-group", "azure-native:resources:ResourceGroup", {}, {}),
        some_outputs({"model_sha256": old["sha256"]}, {"model_sha256": NEW}),
    )
    plan = unknowns.settle(secret_lists.open_lists(events.read(told), Opened()), {})
    return review_report.build("dev", plan, manifests.find(models), Limits(), Mask.of([]))


def review(folder: Path) -> Path:
    """The page of the review above."""
    file = folder / "review.html"
    text = review_page.html(report(folder), ["`tags.team` is **new**"])
    file.write_text(text, encoding="utf-8")
    return file


def drift(folder: Path) -> Path:
    """Findings of each severity, after four weeks of checks."""
    found = (
        _finding("registry", REGISTRY, "adminUserEnabled", "false", "true", Severity.CRITICAL,
                 "breaks the policy no-admin-account"),
        _finding("account", STORAGE, "minimumTlsVersion", "TLS1_2", "TLS1_0", Severity.CRITICAL,
                 "breaks the policy storage-tls"),
        _finding("scoring-group", GROUP_TYPE, "containers[0].resources.requests.cpu", "1", "2",
                 Severity.MAJOR),
        _finding("account", STORAGE, "tags.team", "blue", "(none)", Severity.MINOR),
    )  # fmt: skip
    now = datetime.datetime(2026, 11, 25, 5, 17, tzinfo=datetime.UTC)
    checks: tuple[history.Check, ...] = ()
    made = DriftReport("dev")
    for days in range(28, -1, -1):
        before = found[: 0 if days > 21 else 1 if days > 9 else 2 if days else 4]
        gone = (_finding("vault", "azure-native:keyvault:Vault", "tags.x", "1", "2"),)
        made = DriftReport(
            "dev",
            before if days != 1 else (*before, *gone),
            accepted=(Accepted(found[3], "a migration", "2026-12-31"),),
            stale=(Stale("account", "sku.name", "matches nothing"),),
            asked=dict.fromkeys(Question, "answered"),
            repair=(
                Repair("update", "pulumi up --refresh --stack dev"),
                Repair("make the group anew", "pulumi up --replace URN", "REPLACES the group"),
                Repair("declare it, or accept it in the baseline"),
            ),
            broken="ARM answered 503" if days == 5 else "",
        )
        checks = history.extended(checks, made, now - datetime.timedelta(days=days))
    file = folder / "drift.html"
    file.write_text(drift_page.html(made, checks), encoding="utf-8")
    return file


def broken(folder: Path) -> Path:
    """A check that broke, with a long word that has no place to break."""
    made = DriftReport("dev", broken=f"the state {'0123456789abcdef' * 12} is damaged")
    file = folder / "broken.html"
    file.write_text(drift_page.html(made, ()), encoding="utf-8")
    return file


def _finding(
    resource: str,
    kind: str,
    path: str,
    declared: str,
    actual: str,
    severity: Severity = Severity.MINOR,
    reason: str = "",
) -> Finding:
    return Finding(
        question=Question.CLOUD,
        resource=resource,
        type=kind,
        path=path,
        declared=declared,
        actual=actual,
        kind=Kind.CHANGED,
        severity=severity,
        reason=reason,
    )


def _manifest(folder: Path, version: str, content: dict[str, Any]) -> None:
    place = folder / "sklearn_mnist" / version
    place.mkdir(parents=True)
    (place / "manifest.json").write_text(json.dumps(content), encoding="utf-8")


def _retrained(old: dict[str, Any]) -> dict[str, Any]:
    """A model that tells fives from threes better, and takes more fours for nines."""
    rows = [list(row) for row in old["metrics"]["confusion_matrix"]]
    for true, wrong, count in ((5, 3, -16), (8, 5, -6), (4, 9, 9), (2, 8, 3)):
        rows[true][wrong] += count
        rows[true][true] -= count
    total = sum(map(sum, rows))
    right = sum(row[index] for index, row in enumerate(rows))
    metrics = {**old["metrics"], "confusion_matrix": rows, "accuracy": right / total}
    return {**old, "version": "2", "sha256": NEW, "metrics": metrics}
