"""Every file that a fresh `up` leaves, emptied, cut and flipped: mended, or named with a remedy."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from local_azure import process
from local_azure.home import Home
from local_azure.removal import remove

pytestmark = [pytest.mark.drill, pytest.mark.timeout(3000)]
ROOT = Path(__file__).resolve().parents[2]

UNREAD = re.compile(
    r"logs/|pulumi/logs/|\.pulumi/(history|backups)/|image/context/|\.log$|\.lock$|\.lastused$"
)
"""What nothing reads back: logs, the backend's history, a context for other builders, locks."""

LOST: dict[str, str] = {
    r"private/passphrase": "start afresh: make down, then make up",
    r"projects/[^/]+/Pulumi\.local\.yaml": "make down, then make up",
    r"services/machinelearning/blobs/": "make down, then make up",
    r"state\.sqlite3": "make down, then make up",
    r"\.pulumi/stacks/": "make down, then make up",
    r"local-azure$": "",
}
"""What nothing else remembers: `up` may fail, and then with these words; never anything else."""

DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "emptied": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "flipped": lambda content: bytes(byte ^ 0xFF for byte in content[:64]) + content[64:],
}


@dataclass(frozen=True)
class Snapshot:
    """A state folder as a fresh `up` left it, with nothing running."""

    home: Home
    kept: Path

    def restore(self) -> None:
        if self.home.root.exists():
            process.stop(self.home)
            subprocess.run(["rm", "-rf", str(self.home.root)], check=True)
        shutil.copytree(self.kept, self.home.root, symlinks=True)

    def files(self) -> list[str]:
        found = [path for path in sorted(self.kept.rglob("*")) if path.is_file()]
        names = [path.relative_to(self.kept).as_posix() for path in found if path.stat().st_size]
        return [name for name in names if not UNREAD.search(name)]

    def damage(self, name: str, kind: str) -> None:
        path = self.home.root / name
        content = path.read_bytes()
        path.chmod(stat.S_IMODE(path.stat().st_mode) | 0o200)
        path.write_bytes(DAMAGE[kind](content))

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "journey", command],
            cwd=ROOT,
            env={**os.environ, "LOCAL_AZURE_DIR": str(self.home.root)},
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    folder = tmp_path_factory.mktemp("damaged")
    made = Snapshot(Home(folder / "state"), folder / "kept")
    first = made.run("up")
    assert first.returncode == 0, first.stdout + first.stderr
    process.stop(made.home)
    shutil.copytree(made.home.root, made.kept, symlinks=True)
    yield made
    if made.home.root.exists():
        remove(made.home)
    subprocess.run(["chmod", "-R", "u+w", str(folder)], check=True)


def remedy_of(name: str) -> str | None:
    return next((words for each, words in LOST.items() if re.search(each, name)), None)


@pytest.mark.parametrize("kind", list(DAMAGE))
def test_everything_that_can_be_made_again_is_mended_at_once(snapshot: Snapshot, kind: str):
    snapshot.restore()
    damaged = [name for name in snapshot.files() if remedy_of(name) is None]
    assert len(damaged) > 40
    for name in damaged:
        snapshot.damage(name, kind)
    done = snapshot.run("up")
    assert done.returncode == 0, done.stdout + done.stderr
    again = snapshot.run("up")
    assert "pulumi: 14 unchanged" in again.stdout
    down = snapshot.run("down")
    assert down.returncode == 0, down.stdout + down.stderr
    assert not snapshot.home.root.exists()


@pytest.mark.parametrize("kind", list(DAMAGE))
def test_for_the_rest_the_remedy_is_named_and_it_works(snapshot: Snapshot, kind: str):
    for name in filter(remedy_of, snapshot.files()):
        snapshot.restore()
        passphrase = snapshot.home.passphrase.read_bytes()
        snapshot.damage(name, kind)
        done = snapshot.run("up")
        said = done.stdout + done.stderr
        assert "Traceback" not in said, f"{name}: {said}"
        if done.returncode:
            words = remedy_of(name) or ""
            assert words in done.stderr.strip().splitlines()[-1], f"{name}: {said}"
        if "passphrase" not in name:
            assert snapshot.home.passphrase.read_bytes() == passphrase
        down = snapshot.run("down")
        assert down.returncode == 0, f"{name}: {down.stdout + down.stderr}"
        assert not snapshot.home.root.exists()
