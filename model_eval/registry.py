"""The workspace's model registry: what is asked of it, whichever SDK speaks to it."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import re
import shutil
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from model_eval import manifest as manifests
from model_eval import sdk_v1, sdk_v2, workspace_config
from model_eval.digest import sha256_of
from model_eval.errors import EvaluationError, RegistryError
from model_eval.evidence import Evidence
from model_eval.sdk import Registered, SdkVersion
from model_eval.sdk_v1 import SdkV1
from model_eval.sdk_v2 import SdkV2
from model_eval.workspace_config import Workspace
from scoring.errors import ScoringError, message_of
from scoring.manifest import MANIFEST, Manifest, verified_bytes
from scoring.output_folder import replaced

_ABSENT = re.compile(r"(?:model|asset|container) .*(?:does not exist|not found)", re.DOTALL)
T = TypeVar("T")
RESULT = "a retrieved model"
LIMIT_SECONDS = 120.0
"""For one request to the workspace; the SDK alone would retry for minutes."""


_SDKS = {
    SdkVersion.V1: ("azureml.core", "azureml-core", sdk_v1.connect),
    SdkVersion.V2: ("azure.ai.ml", "azure-ai-ml", sdk_v2.connect),
}
"""What is imported, what is installed, and how a workspace is opened."""


@dataclass(frozen=True)
class Retrieved:
    """A model that was downloaded.

    Attributes:
        model: What the workspace says of it.
        pickle: The downloaded file.
        bare: Whether it came without a manifest.
    """

    model: Registered
    pickle: Path
    bare: bool


@dataclass(frozen=True)
class Registry:
    """The models of one workspace.

    Attributes:
        sdk: Speaks to the workspace; a call may raise anything of the SDK's own.
        limit_seconds: How long one operation may take.
    """

    sdk: SdkV1 | SdkV2
    limit_seconds: float = LIMIT_SECONDS

    @classmethod
    def connect(
        cls, config: Path, limit_seconds: float = LIMIT_SECONDS, version: SdkVersion | None = None
    ) -> Registry:
        """Open the workspace that a `config.json` names, with the login of the environment.

        Args:
            config: Written by `python -m model_eval config`.
            limit_seconds: How long one operation may take.
            version: The SDK; None takes what is installed, v1 if both are.

        Raises:
            RegistryError: No such file, no such SDK, no login, or a workspace that does not answer.
        """
        workspace = workspace_config.read(config)
        connect = _connector(version)
        sdk = _limited(lambda: connect(workspace), "open the workspace", limit_seconds)
        return cls(sdk, limit_seconds)

    def info(self) -> dict[str, str]:
        """Names of the workspace and what it lies in, and the SDK's version."""
        return self._call(self.sdk.info, "read the workspace")

    def list(self, name: str | None = None) -> list[Registered]:
        """All models, newest first, or those of one name."""
        return self._call(lambda: self.sdk.list(name), "list the models")

    def register(self, folder: Path, evidence: Evidence, commit: str) -> Registered:
        """Register a model directory; the same bytes under the same name are no new version.

        Args:
            folder: The model directory.
            evidence: Its validation; it travels as tags and properties.
            commit: The git commit that is registered from.

        Raises:
            GateError: The evidence is of another model or other data, or below the gate.
            RegistryError: The workspace refused or did not answer.
        """
        manifest = Manifest.read(folder)
        content = verified_bytes(folder, manifest)
        evidence.check(manifest)
        tags = {
            "sha256": manifest.sha256,
            "accuracy": f"{evidence.accuracy:.4f}",
            "scikit-learn": manifest.framework.get("scikit-learn", "unknown"),
            "data_md5": ",".join(sorted(evidence.data_md5.values())),
            "git_commit": commit,
            **({"data": manifest.data} if manifest.data else {}),
        }

        def register() -> Registered:
            for each in self.sdk.list(manifest.name):
                if each.sha256 == manifest.sha256:
                    return each
            with tempfile.TemporaryDirectory() as temporary:
                copy = Path(temporary) / "model"
                copy.mkdir()
                (copy / manifest.file).write_bytes(content)
                shutil.copyfile(folder / MANIFEST, copy / MANIFEST)
                return self.sdk.register(
                    copy,
                    manifest.name,
                    tags,
                    {**tags, "rows": str(evidence.rows)},
                    manifest.description or manifest.estimator,
                )

        return self._call(register, f"register {manifest.name}")

    def retrieve(self, name: str, version: int | None, out: Path) -> Retrieved:
        """Download a model; nothing is left at `out` but a whole and checked one.

        A model directory is written as one, with the version that the workspace gave it. A model
        that was registered as a bare pickle is written without a manifest.

        Args:
            name: The model's name.
            version: Its version; None is the latest.
            out: The directory: new, empty, or an earlier retrieved model, which is replaced.

        Raises:
            RegistryError: No such model or version, or bytes that are not those that were
                registered.
            OutputError: The directory holds something else.
        """
        with replaced(out, RESULT) as draft, tempfile.TemporaryDirectory() as temporary:
            wanted = f"{name} version {version or 'latest'}"
            found, place = self._call(
                lambda: self.sdk.download(name, version, Path(temporary)), f"retrieve {wanted}"
            )
            if (place / MANIFEST).is_file():
                pickle = _described(found, place, draft)
            else:
                pickle = _bare(found, place, draft)
            bare = not (draft / MANIFEST).exists()
        return Retrieved(found, out / pickle, bare)

    def _call(self, work: Callable[[], T], doing: str) -> T:
        return _limited(work, doing, self.limit_seconds)


def installed(module: str) -> bool:
    """Whether a package can be imported; nothing of it is run but its parents."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _connector(version: SdkVersion | None) -> Callable[[Workspace], SdkV1 | SdkV2]:
    present = [each for each, (module, *_) in _SDKS.items() if installed(module)]
    chosen = version or (present[0] if present else SdkVersion.V1)
    _, package, connect = _SDKS[chosen]
    if chosen not in present:
        other = f"; --sdk {present[0]} would use what is installed" if present else ""
        raise RegistryError(
            f"{package}, SDK {chosen}, is not installed here{other};"
            " model_eval/README.md says which to take and how to install it"
        )
    return connect


def _described(found: Registered, place: Path, draft: Path) -> str:
    """Keep a model directory whose pickle has the registered bytes; its file's name."""
    try:
        manifest = Manifest.read(place)
        digest = sha256_of(place / manifest.file)
    except (OSError, ScoringError) as error:
        raise RegistryError(
            f"{found.name} version {found.version} is no model directory: {message_of(error)}"
        ) from error
    if digest != found.sha256:
        raise _altered(found, manifest.file, digest)
    verified_bytes(place, manifest)
    shutil.copyfile(place / manifest.file, draft / manifest.file)
    manifests.write(draft, {**manifest.content, "version": str(found.version)})
    return manifest.file


def _bare(found: Registered, place: Path, draft: Path) -> str:
    """Keep a single pickle that was registered as it is; its name."""
    files = (
        [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())
    )
    if len(files) != 1:
        raise RegistryError(
            f"{found.name} version {found.version} has no {MANIFEST} and {len(files)} files;"
            " download it with the SDK and write a manifest beside its pickle: "
            f"python -m model_eval manifest PICKLE --data FILE --name {found.name}"
        )
    digest = sha256_of(files[0])
    if found.sha256 and digest != found.sha256:
        raise _altered(found, files[0].name, digest)
    shutil.copyfile(files[0], draft / files[0].name)
    return files[0].name


def _altered(found: Registered, file: str, digest: str) -> RegistryError:
    return RegistryError(
        f"{found.name} version {found.version}: the downloaded {file} has the sha256 "
        f"{digest}, registered was {found.sha256 or 'none'}; it was not kept"
    )


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
        if isinstance(errors[0], EvaluationError | ScoringError):
            raise errors[0]
        raise RegistryError(f"could not {doing}: {_reason(errors[0])}") from errors[0]
    return results[0]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The SDK prints every file and warns about its own age; nobody asked."""
    for name in ("azureml", "msrest", "azure"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        yield


def _reason(error: BaseException) -> str:
    """The one line in the SDK's error that a user can act on."""
    text = str(getattr(error, "message", None) or error or type(error).__name__)
    lowered = text.lower()
    if "modelnotfound" in lowered or _ABSENT.search(lowered):
        return "the workspace has no such model or version"
    if "authentication" in type(error).__name__.lower() or "401" in text or "expired" in lowered:
        return (
            "the login was refused or has expired; sign in again (az login), or set"
            " AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET"
        )
    if any(word in lowered for word in ("connection", "max retries", "timed out", "resolve")):
        return "the workspace does not answer"
    return message_of(error)[:300] or type(error).__name__
