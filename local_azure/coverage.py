"""The page that says what the stand-in answers: `python -m local_azure.coverage > COVERAGE.md`."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from starlette.routing import BaseRoute, Mount, Route

from local_azure import services, types
from local_azure.arm.app import create_app
from local_azure.arm.service import Resource, Surroundings
from local_azure.arm.store import Store
from local_azure.arm.tokens import Identity, Tokens
from local_azure.registry.distribution import Distribution
from local_azure.registry.login import Login
from local_azure.registry.metadata import Metadata
from local_azure.registry.settings import Settings
from local_azure.registry.store import Store as RegistryStore
from local_azure.registry.tokens import Tokens as RegistryTokens

_HEAD = """# What the stand-in answers

Made of its routes by `python -m local_azure.coverage`; a test holds the page to them.

## Resource types

GET, HEAD, PUT, PATCH and DELETE by id, and lists; for any API version that is not older than the
oldest.

| type | schema of | oldest | what a PUT leaves out | a PUT is finished |
|---|---|---|---|---|
"""


def page() -> str:
    """The whole page, in Markdown."""
    lines = [_row(each) for each in types.all_types()]
    parts = [_HEAD + "\n".join(lines)]
    with tempfile.TemporaryDirectory() as place, _routes(Path(place)) as (arm, registry):
        for title, routes in (("Routes", arm), ("Routes of a registry", registry)):
            shown = sorted({f"| {_methods(each)} | `{path}` |" for path, each in _flat(routes)})
            parts.append(f"## {title}\n\n| methods | path |\n|---|---|\n" + "\n".join(shown))
    return "\n\n".join(parts) + "\n"


def _row(each: types.ResourceType) -> str:
    oldest = min(version[:10] for version in each.api_versions)
    cells = (f"`{each.type}`", each.api_versions[0], oldest, _LEFT_OUT[each.left_out])
    return f"| {' | '.join(cells)} | {_FINISHED[each.convention.finish]} |"


_LEFT_OUT = {
    "default": "goes back to its default",
    "kept": "is kept",
    "unknown": "goes back to its default (nobody wrote it down; see `unwrittenKept`)",
}


_FINISHED = {"operation": "by polling", "itself": "by polling itself", "now": "at once"}


@contextlib.contextmanager
def _routes(place: Path) -> Iterator[tuple[Sequence[BaseRoute], Sequence[BaseRoute]]]:
    """The routes of the application and of one registry, neither of which is started."""
    tokens = Tokens("no key", Identity("", "", "", ""), ("https://arm",))
    store = Store(place / "state")
    (place / "registry").mkdir()
    images = RegistryStore(place / "registry")
    settings = Settings.of(Resource("/r", "Microsoft.ContainerRegistry/registries", {}))

    def surroundings(name: str) -> Surroundings:
        (place / name).mkdir(exist_ok=True)
        return Surroundings("", place / name, store, tokens.verify, place, place, store.connection)

    try:
        app = create_app("", store, tokens, services.make(surroundings), {})
        login = Login(lambda: settings, RegistryTokens("", ""), tokens.verify, lambda *_: False)
        yield (
            app.routes,
            [
                *login.routes(),
                *Distribution(images, login).routes(),
                *Metadata(images, login, "").routes(),
            ],
        )
    finally:
        store.close()


def _flat(routes: Sequence[BaseRoute]) -> Iterator[tuple[str, Route]]:
    for each in routes:
        if isinstance(each, Mount):
            yield from _flat(each.routes)
        elif isinstance(each, Route):
            yield each.path, each


def _methods(route: Route) -> str:
    return ", ".join(sorted((route.methods or set()) - {"HEAD"}))


if __name__ == "__main__":
    sys.stdout.write(page())
