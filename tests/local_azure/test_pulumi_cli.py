"""Where the Pulumi CLI comes from: PATH, the official installer, Go; with real executables."""

from __future__ import annotations

import datetime
import io
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from rich.console import Console

from local_azure.errors import LocalAzureError
from local_azure.pulumi_cli import VERSION, PulumiCli

SITE = "get.pulumi.com"

GO = """#!/bin/sh
echo "$*" >> {log}
echo "keeps $GOPATH $GOCACHE $XDG_CONFIG_HOME" >> {log}
[ -z "$GOPATH" ] || mkdir -p "$GOPATH"
mkdir -p "$GOTMPDIR/go-build$$"
case "$1" in
  list)
    [ ! -e {offline} ] || {{ echo "module not found: $3" >&2; exit 1; }}
    cat go.mod >> {log}; [ -s go.sum ]; echo "flags $GOFLAGS" >> {log}
    case "$2" in
      -deps) printf 'fmt\\nos\\nnet\\n';;
      -m) echo {modules};;
    esac;;
  build)
    [ ! -e {broken} ] || {{ echo "x.go:1: undefined: y" >&2; exit 2; }}
    printf 'fmt\\nos\\n' >&2
    [ ! -e {endless} ] || {{ echo $$ > {endless}; exec sleep 600; }}
    while [ "$1" != -o ]; do shift; done
    printf '#!/bin/sh\\necho v{version}\\n' > "$2"
    chmod +x "$2";;
esac
"""

INSTALLER = """#!/bin/sh
while [ $# -gt 0 ]; do
  case "$1" in --install-root) root=$2;; --version) version=$2;; esac
  shift
done
mkdir -p "$root/bin"
printf '#!/bin/sh\\necho v%s\\n' "$version" > "$root/bin/pulumi"
cp "$root/bin/pulumi" "$root/bin/pulumi-language-python"
chmod +x "$root"/bin/*
"""


class Machine:
    """A machine of the test's own: its programs, its cache, and no internet."""

    def __init__(self, folder: Path, closed_port: int) -> None:
        self.programs = folder / "bin"
        self.programs.mkdir()
        for tool in ("sh", "mkdir", "cp", "cat", "chmod", "sleep"):
            (self.programs / tool).symlink_to(shutil.which(tool) or "")
        self.cache = folder / "cache"
        self.folder = folder
        self.said = io.StringIO()
        self.environment = {
            "PATH": str(self.programs),
            "XDG_CACHE_HOME": str(self.cache),
            "HTTPS_PROXY": f"http://127.0.0.1:{closed_port}",
        }

    @property
    def cli(self) -> PulumiCli:
        return PulumiCli(self.environment, Console(file=self.said, width=200))

    @property
    def output(self) -> str:
        return self.said.getvalue()

    def program(self, name: str, text: str, folder: Path | None = None) -> Path:
        path = (folder or self.programs) / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def pulumi(self, version: str, *, host: bool = True) -> Path:
        if host:
            self.program("pulumi-language-python", "#!/bin/sh\n")
        return self.program("pulumi", f"#!/bin/sh\necho {version}\n")

    def go(self, folder: Path | None = None) -> None:
        """A Go that knows the modules, and builds programs that tell their version."""
        scripts = self.folder / "modules" / "python" / "cmd"
        scripts.mkdir(parents=True)
        (scripts / "pulumi-language-python-exec").write_text("#!/usr/bin/env python3\n")
        text = GO.format(
            log=self.log,
            offline=self.folder / "offline",
            broken=self.folder / "broken",
            endless=self.folder / "endless",
            modules=self.folder / "modules",
            version=VERSION,
        )
        self.program("go", text, folder)

    @property
    def log(self) -> Path:
        return self.folder / "go.log"

    def left(self) -> set[str]:
        """What is in the cache."""
        return {path.name for path in (self.cache / "sklearn-mnist-svc").iterdir()}


@pytest.fixture
def machine(tmp_path: Path, closed_port: int) -> Machine:
    return Machine(tmp_path, closed_port)


@pytest.mark.parametrize("version", ["v3.245.0", "3.259.0", "v4.0.0-alpha.1"])
def test_the_cli_on_path_is_used_when_it_is_new_enough(machine: Machine, version: str) -> None:
    given = machine.pulumi(version)
    assert machine.cli.ensure() == given


@pytest.mark.parametrize("version", ["v3.244.9", "v2.300.0", "dev", ""])
def test_an_old_or_strange_cli_is_not_used(machine: Machine, version: str) -> None:
    machine.pulumi(version)
    assert machine.cli.find() is None


def test_a_cli_without_its_python_host_is_not_used(machine: Machine) -> None:
    machine.pulumi("v3.259.0", host=False)
    assert machine.cli.find() is None


def test_a_linked_cli_finds_its_host_beside_the_real_one(machine: Machine) -> None:
    official = machine.folder / "official"
    official.mkdir()
    machine.program("pulumi", "#!/bin/sh\necho v3.259.0\n", official)
    machine.program("pulumi-language-python", "#!/bin/sh\n", official)
    link = machine.programs / "pulumi"
    link.symlink_to(official / "pulumi")
    assert machine.cli.find() == link


def test_nothing_to_get_it_from_is_one_line_with_the_remedies(machine: Machine) -> None:
    with pytest.raises(LocalAzureError) as caught:
        machine.cli.ensure()
    said = str(caught.value)
    assert said.startswith("there is no usable Pulumi CLI on PATH, no internet and no Go, and the ")
    assert said.endswith("install Pulumi 3.245.0 or newer, or a current Go so that it can be built")
    assert "\n" not in said
    assert machine.left() == {f"pulumi-{VERSION}.lock"}


def test_without_internet_it_is_built_once_and_found_again(machine: Machine) -> None:
    machine.go()
    built = machine.cli.ensure()
    assert subprocess.check_output([built], text=True) == f"v{VERSION}\n"
    assert {path.name for path in built.parent.iterdir()} == {
        "pulumi",
        "pulumi-language-python",
        "pulumi-language-python-exec",
    }
    assert machine.left() == {f"pulumi-{VERSION}", f"pulumi-{VERSION}.lock"}
    before = machine.log.read_text()
    assert machine.cli.ensure() == built
    assert machine.log.read_text() == before


@pytest.mark.parametrize("damage", [b"", b"#!/bin/sh\nexit 1\n#"])
def test_a_damaged_cli_in_the_cache_is_made_anew(machine: Machine, damage: bytes) -> None:
    machine.go()
    built = machine.cli.ensure()
    host = built.with_name("pulumi-language-python")
    whole = host.read_bytes()
    os.utime(built)
    assert machine.cli.find() == built
    host.write_bytes(damage or whole[: len(whole) // 2])
    assert machine.cli.find() is None
    assert machine.cli.ensure() == built
    assert host.read_bytes() == whole


def test_the_build_names_exact_versions_and_tells_what_it_does(machine: Machine) -> None:
    machine.go()
    machine.cli.ensure()
    asked = machine.log.read_text()
    assert f"github.com/pulumi/pulumi/pkg/v3 v{VERSION}" in asked
    assert "github.com/pulumi/pulumi/sdk/v3 v3.75.0" in asked
    # What is downloaded is compared with the committed go.sum.
    assert "flags -mod=readonly" in asked
    assert f"common/version.Version=v{VERSION} -o" in asked
    assert "The official Pulumi installer is out of reach." in machine.output
    assert f"Building the Pulumi CLI {VERSION}" in machine.output
    assert "compiling pulumi" in machine.output


def test_a_go_of_our_own_leaves_nothing_in_the_users_home(machine: Machine) -> None:
    ours = machine.cache / "sklearn-mnist-svc"
    folder = ours / "go" / "go" / "bin"
    folder.mkdir(parents=True)
    machine.go(folder)
    machine.cli.ensure()
    work = ours / "go-work"
    kept = set(re.findall("^keeps (.*)$", machine.log.read_text(), re.MULTILINE))
    assert kept == {f"{work}/path {work}/cache {work}/config"}
    assert machine.left() == {f"pulumi-{VERSION}", f"pulumi-{VERSION}.lock", "go"}


def test_the_users_go_keeps_things_where_the_user_has_them(machine: Machine) -> None:
    machine.go()
    machine.cli.ensure()
    assert set(re.findall("^keeps(.*)$", machine.log.read_text(), re.MULTILINE)) == {"   "}


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ("offline", "`go list` failed: module not found"),
        ("broken", "go could not build github.com/pulumi/pulumi/pkg/v3/cmd/pulumi: x.go:1: undef"),
    ],
)
def test_a_failed_build_leaves_nothing_and_the_next_one_succeeds(
    machine: Machine, trouble: str, reason: str
) -> None:
    machine.go()
    flag = machine.folder / trouble
    flag.touch()
    with pytest.raises(LocalAzureError) as caught:
        machine.cli.ensure()
    assert str(caught.value).startswith(reason)
    assert str(caught.value).endswith("or a current Go so that it can be built")
    assert machine.left() == {f"pulumi-{VERSION}.lock"}
    flag.unlink()
    assert machine.cli.ensure().exists()


def test_what_a_killed_build_left_is_removed(machine: Machine) -> None:
    machine.go()
    killed = machine.cache / "sklearn-mnist-svc" / f"pulumi-{VERSION}-abc" / "draft" / "bin"
    killed.mkdir(parents=True)
    half = machine.cache / "sklearn-mnist-svc" / f"pulumi-{VERSION}" / "bin"
    half.mkdir(parents=True)
    assert machine.cli.ensure() == half / "pulumi"
    assert machine.left() == {f"pulumi-{VERSION}", f"pulumi-{VERSION}.lock"}


INTERRUPTED = """
import json, signal, sys
from rich.console import Console
from local_azure.pulumi_cli import PulumiCli

class Terminated(KeyboardInterrupt):
    pass

def end(number, frame):
    raise Terminated

signal.signal(signal.SIGTERM, end)
try:
    PulumiCli(json.loads(sys.argv[1]), Console(stderr=True)).ensure()
except Terminated:
    sys.exit(143)
"""


def test_a_build_that_is_told_to_end_ends_with_its_compilers(machine: Machine) -> None:
    machine.go()
    endless = machine.folder / "endless"
    endless.touch()
    command = [sys.executable, "-c", INTERRUPTED, json.dumps(machine.environment)]
    with subprocess.Popen(command) as building:
        while not endless.read_text().strip():
            assert building.poll() is None
            time.sleep(0.05)
        building.send_signal(signal.SIGTERM)
        assert building.wait(60) == 143
    assert not psutil.pid_exists(int(endless.read_text()))
    # What it was working on is gone with it.
    assert machine.left() == {f"pulumi-{VERSION}.lock"}


def test_two_checkouts_at_once_build_once(machine: Machine) -> None:
    machine.go()
    code = (
        "import json, sys\n"
        "from rich.console import Console\n"
        "from local_azure.pulumi_cli import PulumiCli\n"
        "print(PulumiCli(json.loads(sys.argv[1]), Console(stderr=True)).ensure())"
    )
    command = [sys.executable, "-c", code, json.dumps(machine.environment)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = {process.communicate(timeout=60)[0] for process in both}
    assert [process.returncode for process in both] == [0, 0]
    assert len(answers) == 1
    assert machine.log.read_text().count("build -v") == 2  # the CLI and its language host


def test_a_cache_that_cannot_be_written_is_one_line(machine: Machine) -> None:
    machine.cache.write_text("a file")
    with pytest.raises(LocalAzureError, match=r"the cache folder .* cannot be used: .*XDG_CACHE"):
        machine.cli.ensure()


class Site:
    """The official site behind a proxy: real TLS, with a certificate of the test's own."""

    def __init__(self, folder: Path, script: str | None) -> None:
        self.certificate = folder / "site.pem"
        self._script = script
        self._write_certificate()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._held: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)
        for held in self._held:
            held.close()

    def _serve(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._script is None:
                self._held.append(client)
                continue
            assert _head(client).startswith(f"CONNECT {SITE}:443 ")
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            with context.wrap_socket(client, server_side=True) as secure:
                assert _head(secure).startswith("GET /install.sh ")
                body = self._script.encode()
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
                secure.sendall(head.encode() + body)

    def _write_certificate(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, SITE)])
        now = datetime.datetime.now(datetime.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(SITE)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.certificate.write_bytes(
            made.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )


def _head(connection: socket.socket) -> str:
    read = b""
    while not read.endswith(b"\r\n\r\n"):
        part = connection.recv(1024)
        assert part
        read += part
    return read.decode()


Sites = Callable[[str | None], Site]


@pytest.fixture
def site(machine: Machine) -> Iterator[Sites]:
    """Gives the machine an internet with one site; without a script it never answers."""
    sites: list[Site] = []

    def start(script: str | None) -> Site:
        made = Site(machine.folder, script)
        sites.append(made)
        machine.environment["HTTPS_PROXY"] = f"http://127.0.0.1:{made.port}"
        machine.environment["SSL_CERT_FILE"] = str(made.certificate)
        return made

    yield start
    for each in sites:
        each.close()


def test_with_internet_the_official_installer_is_used(machine: Machine, site: Sites) -> None:
    site(INSTALLER)
    installed = machine.cli.ensure()
    assert installed == machine.cache / "sklearn-mnist-svc" / f"pulumi-{VERSION}/bin/pulumi"
    assert subprocess.check_output([installed], text=True) == f"v{VERSION}\n"
    assert machine.output == ""
    assert machine.cli.find() == installed


def test_an_installer_that_fails_is_told_and_the_build_takes_over(
    machine: Machine, site: Sites
) -> None:
    site("#!/bin/sh\nexit 3\n")
    machine.go()
    assert machine.cli.ensure().exists()
    assert "The official Pulumi installer failed: " in machine.output
    assert "exit status 3" in machine.output
    assert machine.log.exists()


def test_a_network_that_swallows_everything_is_given_up_after_seconds(
    machine: Machine, site: Sites
) -> None:
    site(None)
    machine.go()
    assert machine.cli.ensure().exists()
    assert "The official Pulumi installer is out of reach." in machine.output


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_this_machine_can_get_a_real_pulumi(tmp_path: Path) -> None:
    folders = os.environ["PATH"].split(os.pathsep)
    without = [folder for folder in folders if not Path(folder, "pulumi").exists()]
    environment = os.environ | {"PATH": ":".join(without), "XDG_CACHE_HOME": str(tmp_path)}
    if go := shutil.which("go", path=environment["PATH"]):
        # What Go has compiled before is not compiled again.
        environment["GOCACHE"] = subprocess.check_output([go, "env", "GOCACHE"], text=True).strip()
    got = PulumiCli(environment, Console()).ensure()
    assert subprocess.check_output([got, "version"], text=True) == f"v{VERSION}\n"
    assert (got.parent / "pulumi-language-python").exists()
    assert os.access(got.parent / "pulumi-language-python-exec", os.X_OK)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_where_go_is_missing_the_package_index_has_it(tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": "/nowhere", "XDG_CACHE_HOME": str(tmp_path)}
    cli = PulumiCli(environment, Console())
    cli.cache.parent.mkdir()
    go = cli.go()
    said = subprocess.check_output([go, "version"], env={"HOME": str(tmp_path)}, text=True)
    assert said.startswith("go version go1.")
    assert cli.go() == go
