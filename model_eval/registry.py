"""The workspace's model registry; the only module that loads azureml-core."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import shutil
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from model_eval import manifest as manifests
from model_eval.digest import sha256_of
from model_eval.errors import GateError, RegistryError
from scoring.output_folder import replaced

T = TypeVar("T")
RESULT = "a retrieved model"
LIMIT_SECONDS = 120.0
"""For one request to the workspace; the SDK alone would retry for minutes."""


@dataclass(frozen=True)
class Registered:
    """A model in the workspace: `created` is whether this call made the version."""

    name: str
    version: int
    sha256: str
    tags: Mapping[str, str]
    created: bool = False


@dataclass(frozen=True)
class Registry:
    """The models of one workspace.

    Attributes:
        workspace: azureml-core's workspace.
        limit_seconds: How long one operation may take.
    """

    workspace: Any
    limit_seconds: float = LIMIT_SECONDS

    @classmethod
    def connect(cls, config: Path, limit_seconds: float = LIMIT_SECONDS) -> Registry:
        """Open the workspace that a `config.json` names, with the login of the environment.

        Args:
            config: Written by `python -m model_eval config`.
            limit_seconds: How long one operation may take.

        Raises:
            RegistryError: No such file, no login, or a workspace that does not answer.
        """
        if not config.is_file():
            raise RegistryError(f"{config} is missing; write it with: python -m model_eval config")

        def open_workspace() -> Any:
            from azureml.core import Workspace

            return Workspace.from_config(str(config), auth=_login())

        return cls(_limited(open_workspace, "open the workspace", limit_seconds), limit_seconds)

    def info(self) -> dict[str, str]:
        """Names of the workspace and what it lies in, and the SDK's version."""
        from azureml.core import VERSION

        names = ("name", "resource_group", "location", "subscription_id")
        return {
            "azureml-core": str(VERSION),
            **{name: str(getattr(self.workspace, name)) for name in names},
        }

    def list(self, name: str | None = None) -> list[Registered]:
        """All models, newest first, or those of one name."""

        def models() -> list[Registered]:
            from azureml.core import Model

            return [_registered(model) for model in Model.list(self.workspace, name=name)]

        return self._call(models, "list the models")

    def register(
        self, folder: Path, report: Mapping[str, Any], min_accuracy: float, commit: str
    ) -> Registered:
        """Register a model directory; the same bytes under the same name are no new version.

        Args:
            folder: The model directory.
            report: The report of its validation; it travels as tags and properties.
            min_accuracy: The gate.
            commit: The git commit that is registered from.

        Raises:
            GateError: The report is of another model, or below the gate.
            RegistryError: The workspace refused or did not answer.
        """
        manifest = manifests.read(folder)
        if report.get("model", {}).get("sha256") != manifest.sha256:
            raise GateError(
                f"the report is not of this model (sha256 {manifest.sha256}); "
                "validate it first: python -m model_eval validate"
            )
        accuracy = float(report["accuracy"])
        if accuracy < min_accuracy:
            raise GateError(
                f"accuracy {accuracy:.4f} is below the gate of {min_accuracy:.4f}; not registered"
            )
        evidence = {
            "sha256": manifest.sha256,
            "accuracy": f"{accuracy:.4f}",
            "scikit-learn": manifest.framework.get("scikit-learn", "unknown"),
            "data_md5": ",".join(sorted(report["data_md5"].values())),
            "git_commit": commit,
        }

        def register() -> Registered:
            from azureml.core import Model

            same = Model.list(
                self.workspace, name=manifest.name, tags=[["sha256", manifest.sha256]]
            )
            if same:
                return _registered(same[0])
            with _inside_a_copy(folder, manifest.file) as copy:
                model = Model.register(
                    self.workspace,
                    model_path=copy,
                    model_name=manifest.name,
                    tags=evidence,
                    properties={**evidence, "rows": str(report["rows"])},
                    description=manifest.estimator,
                )
            return _registered(model, created=True)

        return self._call(register, f"register {manifest.name}")

    def retrieve(self, name: str, version: int | None, out: Path) -> Registered:
        """Download a model directory; nothing is left at `out` but a whole and checked one.

        Args:
            name: The model's name.
            version: Its version; None is the latest.
            out: The directory: new, empty, or an earlier retrieved model, which is replaced.

        Raises:
            RegistryError: No such model or version, or bytes that are not those that were
                registered.
            OutputError: The directory holds something else.
        """
        with replaced(out, RESULT) as draft:

            def download() -> tuple[Registered, Path]:
                from azureml.core import Model

                model = Model(self.workspace, name=name, version=version)
                return _registered(model), Path(model.download(str(inside), exist_ok=True))

            wanted = f"{name} version {version or 'latest'}"
            with tempfile.TemporaryDirectory() as temporary:
                inside = Path(temporary)
                found, folder = self._call(download, f"retrieve {wanted}")
                _check(found, folder)
                manifest = manifests.read(folder)
                for kept in (manifest.file, manifests.FILE):
                    shutil.copyfile(folder / kept, draft / kept)
        return found

    def _call(self, work: Callable[[], T], doing: str) -> T:
        return _limited(work, doing, self.limit_seconds)


def _check(found: Registered, folder: Path) -> None:
    """The downloaded file has the registered bytes; its manifest names the registered version."""
    try:
        content = json.loads((folder / manifests.FILE).read_text(encoding="utf-8"))
        pickle = folder / str(content["file"])
        digest = sha256_of(pickle)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RegistryError(
            f"{found.name} version {found.version} is no model directory: {error}"
        ) from error
    if not found.sha256 or digest != found.sha256:
        raise RegistryError(
            f"{found.name} version {found.version}: the downloaded {pickle.name} has the sha256 "
            f"{digest}, registered was {found.sha256 or 'none'}; it was not kept"
        )
    content["version"] = str(found.version)
    (folder / manifests.FILE).write_text(json.dumps(content), encoding="utf-8")
    manifests.read(folder).write(folder)


def _registered(model: Any, *, created: bool = False) -> Registered:
    tags = dict(model.tags or {})
    return Registered(model.name, int(model.version), tags.get("sha256", ""), tags, created)


@contextlib.contextmanager
def _inside_a_copy(folder: Path, pickle: str) -> Iterator[str]:
    """The SDK takes only paths inside the working directory, and uploads all that is there."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / "model"
        copy.mkdir()
        for name in (pickle, manifests.FILE):
            shutil.copyfile(folder / name, copy / name)
        os.chdir(temporary)
        try:
            yield copy.name
        finally:
            os.chdir(before)


def _login() -> Any:
    """A service principal from the environment, else the Azure CLI; never a browser window."""
    if os.environ.get("AZUREML_SERVICE_PRINCIPAL_ID"):
        return None  # the SDK reads it by itself
    from azureml.core.authentication import AzureCliAuthentication, ServicePrincipalAuthentication

    tenant, client, password = (
        os.environ.get(f"AZURE_{name}", "") for name in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET")
    )
    if tenant and client and password:
        return ServicePrincipalAuthentication(tenant, client, password)
    return AzureCliAuthentication()


def _limited(work: Callable[[], T], doing: str, seconds: float) -> T:
    """Run a call of the SDK without its noise and with an end.

    Raises:
        RegistryError: It failed, or took longer than `seconds`.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    # A thread that hangs in the SDK must not keep the process.
    thread = threading.Thread(target=run, daemon=True)
    with _quiet():
        thread.start()
        thread.join(seconds)
    if thread.is_alive():
        raise RegistryError(f"could not {doing}: no answer within {seconds:g} s")
    if errors:
        if isinstance(errors[0], RegistryError | GateError):
            raise errors[0]
        raise RegistryError(f"could not {doing}: {_reason(errors[0])}") from errors[0]
    return results[0]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The SDK prints every file and warns about its own age; nobody asked."""
    logging.getLogger("azureml").setLevel(logging.CRITICAL)
    logging.getLogger("msrest").setLevel(logging.CRITICAL)
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        yield


def _reason(error: BaseException) -> str:
    """The one line in the SDK's error that a user can act on."""
    text = getattr(error, "message", None) or str(error) or type(error).__name__
    lowered = text.lower()
    if "modelnotfound" in lowered or "not found" in lowered:
        return "the workspace has no such model or version"
    if "authentication" in type(error).__name__.lower() or "401" in text or "expired" in lowered:
        return "the login was refused or has expired; sign in again"
    if any(word in lowered for word in ("connection", "max retries", "timed out", "resolve")):
        return "the workspace does not answer"
    return " ".join(text.split())[:300]
