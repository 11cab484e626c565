"""Kubernetes' programs are built once, are taken up again, and say in one line why they cannot be.

Go is a script here; `make test-aks` builds with the real one.
"""

from __future__ import annotations

import io
import os
import threading
import time
from pathlib import Path

import pytest
from rich.console import Console

from local_azure.errors import LocalAzureError
from local_azure.kubernetes.programs import BUILD_MINUTES, Programs, ProgramsError

GO = """#!/bin/sh
case "$1" in
  list) printf 'fmt\\nos\\n';;
  mod) printf '{{"Dir": "{module}"}}';;
  build)
    echo "$GOCACHE" >> {log}; mkdir -p "$GOCACHE"
    while [ "$1" != -o ]; do shift; done
    if [ -e {gate} ]; then read line < {gate}; fi
    [ ! -e {broken}-"${{2##*/}}" ] || {{ echo "x.go:1: undefined: y" >&2; exit 2; }}
    echo program > "$2";;
esac
"""
OFFLINE = """#!/bin/sh
echo "go: k8s.io/kubernetes@v1.36.3: Get \\"https://proxy.example/list\\": connection refused" >&2
exit 1
"""
NAMES = ("kube", "pulumi-resource-kubernetes")


class Machine:
    """A cache of the test's own, an `iptables`, and a Go that is a script."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        schema = folder / "module" / "cmd" / "pulumi-resource-kubernetes"
        schema.mkdir(parents=True)
        for name in ("schema", "terraform-mapping"):
            (schema / f"{name}.json").write_text("{}")
        self.program("iptables", "#!/bin/sh\n")
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        self.said = io.StringIO()
        self.programs = Programs({**os.environ, "XDG_CACHE_HOME": str(folder / "cache")})

    def program(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def go(self) -> str:
        names = {name: self.folder / name for name in ("module", "log", "gate", "broken")}
        return str(self.program("go", GO.format(**names)))

    def ensure(self, go: str | None = None) -> None:
        self.programs.ensure(lambda: go or self.go(), Console(file=self.said, width=300))

    @property
    def builds(self) -> int:
        log = self.folder / "log"
        return len(log.read_text().splitlines()) if log.exists() else 0

    @property
    def scratch(self) -> list[str]:
        folder = self.programs.cache.with_name(f"{self.programs.cache.name}-build")
        return [each.name for each in folder.iterdir()]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_both_are_built_once_and_five_gigabytes_are_not_kept(machine: Machine) -> None:
    assert machine.programs.missing() == ["Kubernetes", "Pulumi's Kubernetes provider"]
    machine.ensure()
    assert f"up to {BUILD_MINUTES} minutes on two cores" in machine.said.getvalue()
    assert machine.programs.missing() == []
    assert sorted(each.name for each in machine.programs.cache.iterdir()) == sorted(NAMES)
    assert machine.scratch == ["lock"]
    machine.ensure()
    assert machine.builds == 2


def test_what_was_compiled_before_an_interruption_is_not_compiled_again(machine: Machine) -> None:
    (machine.folder / "broken-pulumi-resource-kubernetes").touch()
    with pytest.raises(ProgramsError, match=r"provider cannot be built: .*undefined: y"):
        machine.ensure()
    assert machine.programs.missing() == ["Pulumi's Kubernetes provider"]
    assert "go-build" in machine.scratch, "the next build would begin from nothing"
    (machine.folder / "broken-pulumi-resource-kubernetes").unlink()
    machine.ensure()
    assert machine.builds == 3
    caches = set((machine.folder / "log").read_text().split())
    assert len(caches) == 1


def test_sources_that_a_killed_build_left_are_removed(machine: Machine) -> None:
    left = machine.programs.cache.with_name(f"{machine.programs.cache.name}-build") / "source-left"
    left.mkdir(parents=True)
    machine.ensure()
    assert machine.scratch == ["lock"]


def test_two_at_once_build_once(machine: Machine) -> None:
    os.mkfifo(machine.folder / "gate")
    first = threading.Thread(target=machine.ensure)
    first.start()
    # Opens when the first build has come to reading it, and so holds the lock.
    gate = (machine.folder / "gate").open("w")
    second = threading.Thread(target=machine.ensure)
    second.start()
    try:
        limit = time.monotonic() + 60
        while "Waiting for another set-up that builds Kubernetes" not in machine.said.getvalue():
            assert second.is_alive()
            assert time.monotonic() < limit
    finally:
        (machine.folder / "gate").unlink()
        gate.write("\n")
        gate.close()
        first.join(60)
        second.join(60)
    assert machine.builds == 2
    assert machine.programs.missing() == []


def test_no_registry_of_modules_is_one_line_with_the_remedy(machine: Machine) -> None:
    with pytest.raises(ProgramsError) as it:
        machine.ensure(str(machine.program("go", OFFLINE)))
    said = str(it.value)
    assert "\n" not in said
    assert said.startswith("Kubernetes cannot be built: `go list` failed: go: k8s.io/kubernetes@")
    assert said.endswith("connection refused; a Go module proxy (GOPROXY) is needed")
    assert machine.programs.missing() == ["Kubernetes", "Pulumi's Kubernetes provider"]


def test_no_go_is_one_line_with_the_remedy(machine: Machine) -> None:
    def go() -> str:
        raise LocalAzureError("no Go, and the package index does not have it (offline)")

    with pytest.raises(ProgramsError, match=r"there is no Go, .* install a current one: https://"):
        machine.programs.ensure(go, Console(file=machine.said))


@pytest.mark.parametrize("name", NAMES)
def test_what_was_not_built_says_what_builds_it(machine: Machine, name: str) -> None:
    ask = machine.programs.kube if name == "kube" else machine.programs.provider
    with pytest.raises(ProgramsError, match=f"has no {name} yet; build it once: python -m local"):
        ask()
