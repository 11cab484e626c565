"""Kubernetes' own programs: built once from their Go modules and kept in the user's cache.

Nothing here downloads a binary: where the official ones are out of reach, a Go module proxy is
enough, and each module is checked against the go.sum beside its go.mod.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from local_azure import cache, debian
from local_azure.errors import LocalAzureError
from local_azure.go_module import GoModule
from local_azure.home import Home
from local_azure.kubernetes.network import search_path

VERSION = "1.36.3"
PROVIDER_VERSION = "4.25.0"
"""Of Pulumi's Kubernetes provider, and so of its SDK."""

PROVIDER_MODULE = "github.com/pulumi/pulumi-kubernetes/provider/v4"
PROVIDER_COMMIT = "v4.0.0-20260115033456-f47bc2d6f199"
"""The one version of the provider that module proxies serve: the day of 4.25.0."""

BUILD_MINUTES = 20
"""How long both builds take at most on two cores."""

_PROVIDER = "pulumi-resource-kubernetes"
_HERE = Path(__file__).parent
_SETUP = "python -m local_azure setup --kubernetes"
_IPTABLES = ("iptables", "iptables-save", "iptables-restore")
_PACKAGES = (
    "iptables",
    "libxtables12",
    "libip4tc2",
    "libip6tc2",
    "libnftnl11",
    "libmnl0",
    "libnfnetlink0",
    "libnetfilter-conntrack3",
)
_REPORTED = (
    f"gitVersion=v{VERSION}",
    "gitMajor=1",
    "gitMinor=36",
    "gitTreeState=clean",
    "gitCommit=0000000000000000000000000000000000000000",
    "buildDate=2026-01-01T00:00:00Z",
)


class ProgramsError(LocalAzureError):
    """A program is missing, or cannot be built; one line with what to do."""


@dataclass(frozen=True)
class Programs:
    """What a cluster needs of programs.

    Attributes:
        environment: The user's own: PATH, proxies, cache folders.
    """

    environment: Mapping[str, str]

    @property
    def cache(self) -> Path:
        """Where they are kept, for every checkout."""
        return cache.folder(self.environment) / f"kubernetes-{VERSION}"

    def kube(self) -> Path:
        """The program with all parts of Kubernetes, and kubectl, in it.

        Raises:
            ProgramsError: It was not built.
        """
        return self._built("kube")

    def provider(self) -> Path:
        """Pulumi's Kubernetes provider.

        Raises:
            ProgramsError: It was not built.
        """
        return self._built(_PROVIDER)

    def iptables(self) -> dict[str, str]:
        """The variables with which kube-proxy finds `iptables`.

        Raises:
            ProgramsError: There is none.
        """
        if shutil.which("iptables", path=search_path()):
            return {}
        unpacked = self.cache / "iptables"
        libraries = next(iter(unpacked.glob("root/usr/lib/*/xtables")), None)
        if libraries is None:
            raise ProgramsError(
                f"`iptables` is not on PATH, and kube-proxy needs it; run {_SETUP}, "
                "or as root: apt-get install iptables"
            )
        return {
            "PATH": os.pathsep.join([str(unpacked / "bin"), search_path()]),
            "LD_LIBRARY_PATH": str(libraries.parent),
            "XTABLES_LIBDIR": str(libraries),
        }

    def missing(self) -> list[str]:
        """What `ensure` would have to build or get."""
        found = []
        for name, ask in (
            ("Kubernetes", self.kube),
            ("Pulumi's Kubernetes provider", self.provider),
            ("iptables", self.iptables),
        ):
            try:
                ask()
            except ProgramsError:
                found.append(name)
        return found

    def install(self, home: Home) -> None:
        """Link what was built into a state folder; what was not is no part of it."""
        folder = home.pulumi_home / "plugins" / f"resource-kubernetes-v{PROVIDER_VERSION}"
        try:
            links = {folder / _PROVIDER: self.provider(), home.programs / "kubectl": self.kube()}
        except ProgramsError:
            return
        folder.mkdir(parents=True, exist_ok=True)
        for link, target in links.items():
            if not (link.is_symlink() and link.readlink() == target):
                link.unlink(missing_ok=True)
                link.symlink_to(target)

    def ensure(self, go: Callable[[], str], console: Console) -> None:
        """Build what is missing, one after the other; an interrupted build is taken up again.

        Args:
            go: Gets the Go command.
            console: Where progress is shown.

        Raises:
            ProgramsError: Something cannot be built; the message says what to do.
        """
        if not self.missing():
            return
        with cache.alone(self._scratch / "lock", "that builds Kubernetes", console.print):
            missing = self.missing()
            if "iptables" in missing:
                self._get_iptables()
            builds = [each for each in missing if each != "iptables"]
            if builds:
                self._build_all(builds, go, console)
            # 5 GB that nobody needs again.
            shutil.rmtree(self._scratch / "go-build", ignore_errors=True)

    def _build_all(self, names: list[str], go: Callable[[], str], console: Console) -> None:
        what = " and ".join(names)
        for left in self._scratch.glob("source-*"):
            shutil.rmtree(left, ignore_errors=True)
        try:
            command = go()
        except LocalAzureError as error:
            raise ProgramsError(
                f"{what} must be built, and there is {error}; install a current one: "
                "https://go.dev/dl"
            ) from error
        console.print(
            f"Building {what} from Go modules, once: up to {BUILD_MINUTES} minutes on two cores."
        )
        for name in names:
            try:
                self._build(name, command, console)
            except LocalAzureError as error:
                raise ProgramsError(
                    f"{name} cannot be built: {error}; a Go module proxy (GOPROXY) is needed"
                ) from error

    def _built(self, name: str) -> Path:
        path = self.cache / name
        if not path.exists():
            raise ProgramsError(f"the stand-in has no {name} yet; build it once: {_SETUP}")
        return path

    @property
    def _scratch(self) -> Path:
        return self.cache.with_name(f"{self.cache.name}-build")

    def _build(self, name: str, go: str, console: Console) -> None:
        environment = {
            **self.environment,
            "CGO_ENABLED": "0",
            "GOCACHE": str(self._scratch / "go-build"),
            # One compiler of the provider takes 4 GB without it.
            "GOGC": "50",
        }
        self.cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._scratch, prefix="source-") as folder:
            source = Path(folder) / "module"
            if name == "Kubernetes":
                module = GoModule(go, _HERE / "go", source, environment, console)
                module.make()
                package, out = ".", "kube"
                flags = " ".join(
                    f"-X {where}/version.{each}"
                    for each in _REPORTED
                    for where in ("k8s.io/component-base", "k8s.io/client-go/pkg")
                )
            else:
                module = GoModule(go, _HERE / "provider", source, environment, console)
                module.make()
                module.copy(PROVIDER_MODULE, PROVIDER_COMMIT, source / "src")
                _embed(source / "src" / "cmd" / _PROVIDER)
                package, out = f"{PROVIDER_MODULE}/cmd/{_PROVIDER}", _PROVIDER
                flags = f"-X {PROVIDER_MODULE}/pkg/version.Version={PROVIDER_VERSION}"
            draft = source / out
            module.build(package, draft, f"-s -w {flags}")
            draft.rename(self.cache / out)

    def _get_iptables(self) -> None:
        """Debian's packages, for nothing of the machine is changed."""
        self._scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._scratch, prefix="iptables-") as name:
            folder = Path(name)
            try:
                debian.unpack(_PACKAGES, folder / "root", self.environment)
            except LocalAzureError as error:
                raise ProgramsError(
                    f"`iptables` is not on PATH, and {error}; "
                    "install it as root: apt-get install iptables"
                ) from error
            (folder / "bin").mkdir()
            for tool in (*_IPTABLES, *(each.replace("ip", "ip6", 1) for each in _IPTABLES)):
                (folder / "bin" / tool).symlink_to("../root/usr/sbin/xtables-nft-multi")
            self.cache.mkdir(parents=True, exist_ok=True)
            shutil.copytree(folder, self.cache / "iptables", symlinks=True, dirs_exist_ok=True)


def _embed(folder: Path) -> None:
    """Write the two files that the provider's own build makes of its schema before compiling."""
    for name in ("schema", "terraform-mapping"):
        content = json.loads((folder / f"{name}.json").read_text())
        content["version"] = PROVIDER_VERSION
        (folder / f"{name}-embed.json").write_text(json.dumps(content, separators=(",", ":")))
