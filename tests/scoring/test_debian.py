"""The base of Debian's packages: the real tools, and packages from a mirror of the test's."""

from __future__ import annotations

import shutil
import stat
import tarfile
from pathlib import Path

import pytest

from scoring.errors import ImageError, PackagesError
from scoring.image import debian
from scoring.image.oci import Base
from tests.support.debian import Mirror, needs_tools

pytestmark = needs_tools


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mirror:
    """The three packages that are asked for, one that they need, and scripts that tell on us."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    made = Mirror(folder)
    scripts = {
        name: f"#!/bin/sh\ntouch {folder}/ran-{name}\n"
        for name in ("preinst", "postinst", "prerm", "postrm")
    }
    python = tmp_path / "python"
    for name, text in {
        "usr/bin/python3.11": "program",
        "usr/lib/python3.11/os.py": "import sys",
        "usr/share/man/man1/python3.11.1": "manual",
        "usr/share/locale/de/LC_MESSAGES/python.mo": "Handbuch",
        "usr/share/doc/python3.11/copyright": "licence",
        "usr/share/doc/python3.11/README": "read me",
        "usr/share/doc/python3.11/examples/copyright.py": "example",
        "usr/lib/x86_64-linux-gnu/gconv/KOI8-R.so": "codec",
    }.items():
        (python / name).parent.mkdir(parents=True, exist_ok=True)
        (python / name).write_text(text)
    program = python / "usr/bin/python3.11"
    program.chmod(0o6755)
    (python / "usr/bin/again").hardlink_to(program)
    (python / "usr/lib/link").symlink_to("python3.11")
    made.add(python, "python3.11", "3.11.2-6", scripts, Depends="libneeded1, dpkg (>= 1.20)")
    needed = tmp_path / "needed"
    (needed / "lib").mkdir(parents=True)
    (needed / "lib/libneeded.so.1").write_text("library")
    made.add(needed, "libneeded1", "1", scripts)
    files = tmp_path / "files"
    for name, mode in {"tmp": 0o1777, "root": 0o700, "proc": 0o755}.items():
        (files / name).mkdir(parents=True)
        (files / name).chmod(mode)
    made.add(files, "base-files", "12.4", scripts, Pre_Depends="awk")
    (tmp_path / "library").mkdir()
    made.add(tmp_path / "library", "libstdc++6", "12.2", scripts)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return made


def made(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> Base:
    monkeypatch.setenv("APT_CONFIG", str(mirror.publish()))
    return debian.base()


def members(base: Base) -> dict[str, tarfile.TarInfo]:
    (layer,) = base.layers
    with tarfile.open(layer.file) as tar:
        found = tar.getmembers()
    assert len({each.name for each in found}) == len(found)
    return {each.name: each for each in found}


def text(base: Base, name: str) -> str:
    with tarfile.open(base.layers[0].file) as tar:
        file = tar.extractfile(name)
        assert file is not None
        return file.read().decode()


def test_it_has_the_packages_and_what_they_need_and_no_reading_matter(mirror, monkeypatch):
    base = made(mirror, monkeypatch)
    files = {name for name, each in members(base).items() if not each.isdir()}
    assert files == {
        *("usr/bin/python3.11", "usr/bin/again", "usr/lib/python3.11/os.py", "usr/lib/link"),
        *("lib/libneeded.so.1", "usr/share/doc/python3.11/copyright"),
        *("usr/bin/python", "usr/bin/python3", "etc/passwd", "etc/group", "etc/nsswitch.conf"),
        *(
            f"var/lib/dpkg/status.d/{name}"
            for name in ("python3.11", "libneeded1", "base-files", "libstdc++6")
        ),
    }
    assert "Version: 3.11.2-6\n" in text(base, "var/lib/dpkg/status.d/python3.11")
    assert text(base, "usr/bin/again") == "program"
    assert ":10001:10001:" in text(base, "etc/passwd")


def test_nobody_has_more_rights_than_the_files_give(mirror, monkeypatch):
    found = members(made(mirror, monkeypatch))
    assert {each.mode & (stat.S_ISUID | stat.S_ISGID) for each in found.values()} == {0}
    assert (found["tmp"].mode, found["root"].mode) == (0o1777, 0o700)
    assert found["usr/bin/python3.11"].mode == 0o755
    assert {(each.uid, each.gid, each.mtime) for each in found.values()} == {(0, 0, 0)}


def test_no_script_of_a_package_and_no_command_of_the_machine_s_is_run(mirror, monkeypatch):
    made(mirror, monkeypatch)
    assert mirror.ran() == []


def test_the_same_packages_give_the_same_digest_and_others_another(mirror, monkeypatch, tmp_path):
    first = made(mirror, monkeypatch)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other cache"))
    second = made(mirror, monkeypatch)
    assert second.layers[0].file != first.layers[0].file
    assert second.layers[0].digest == first.layers[0].digest
    newer = tmp_path / "newer"
    (newer / "lib").mkdir(parents=True)
    (newer / "lib/libneeded.so.1").write_text("repaired library")
    mirror.add(newer, "libneeded1", "2", {})
    assert text(made(mirror, monkeypatch), "lib/libneeded.so.1") == "repaired library"


def test_without_a_network_the_last_known_packages_are_taken(mirror, monkeypatch):
    first = made(mirror, monkeypatch)
    shutil.move(mirror.folder, mirror.folder.with_name("gone"))
    monkeypatch.setenv("APT_CONFIG", str(mirror.folder.with_name("gone") / "apt.conf"))
    sources = mirror.folder.with_name("gone") / "sources.list"
    settings = sources.with_name("apt.conf")
    settings.write_text(
        settings.read_text().replace(f"{mirror.folder}/sources", f"{sources.parent}/sources")
    )
    assert debian.base() == first


def test_where_nothing_was_fetched_yet_the_error_names_what_cannot_be(tmp_path, monkeypatch):
    (tmp_path / "sources.list").write_text("deb http://127.0.0.1:9/debian bookworm main\n")
    (tmp_path / "apt.conf").write_text(
        f'Dir::Etc::sourcelist "{tmp_path}/sources.list";\nDir::Etc::sourceparts "/dev/null";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(ImageError, match=r"no Python 3\.11 of Debian 12: .*http://127.0.0.1:9/"):
        debian.base()


def test_a_layer_that_was_altered_in_the_cache_is_packed_anew(mirror, monkeypatch):
    first = made(mirror, monkeypatch)
    first.layers[0].file.write_bytes(b"something else")
    with pytest.raises(ImageError, match="was altered"):
        first.layers[0].copied(mirror.folder)
    assert text(made(mirror, monkeypatch), "lib/libneeded.so.1") == "library"


@pytest.mark.parametrize(
    ("origin", "codename"), [("Debian", "trixie"), ("Ubuntu", "bookworm"), ("", "")]
)
def test_packages_of_another_system_are_not_taken(origin, codename, mirror, monkeypatch):
    mirror.origin, mirror.codename = origin, codename
    with pytest.raises(ImageError, match=r"no Python 3.11 of Debian 12: .*; .* --base") as refused:
        made(mirror, monkeypatch)
    assert len(str(refused.value).splitlines()) == 1


def test_a_mirror_without_a_signature_is_not_taken(mirror, monkeypatch):
    mirror.trusted = False
    with pytest.raises(ImageError, match=r"no Python 3.11 of Debian 12: .* is not signed"):
        made(mirror, monkeypatch)


def test_a_package_that_is_not_the_index_s_is_not_taken(mirror, monkeypatch):
    (package,) = mirror.folder.glob("libneeded1_*.deb")
    content = package.read_bytes()
    package.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ImageError, match=r"apt cannot fetch Debian's packages: .*libneeded1"):
        made(mirror, monkeypatch)


@pytest.mark.parametrize("missing", ["apt-get", "dpkg-deb"])
def test_a_machine_without_debian_s_tools_is_told_what_else_to_do(missing, tmp_path, monkeypatch):
    for tool in {"apt-get", "dpkg-deb"} - {missing}:
        (tmp_path / tool).symlink_to(shutil.which(tool) or "")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        ImageError, match=f"needs {missing}, which is not on this machine; .*--base"
    ):
        debian.base()


def test_a_cache_that_cannot_be_used_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(PackagesError, match=r"cannot be used: Not a directory; .* XDG_CACHE_HOME"):
        debian.base()
