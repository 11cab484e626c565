"""Azure Container Registry's own listings, `/acr/v1/`: what its clients read beside the protocol.

Source: the requests and models of the azure-containerregistry client, API version 2021-07-01.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from local_azure.registry.errors import RegistryError
from local_azure.registry.login import Login
from local_azure.registry.pages import Page
from local_azure.registry.repository import Manifest, Repository, Tag
from local_azure.registry.store import Store

_ATTRIBUTES = dict.fromkeys(("deleteEnabled", "writeEnabled", "listEnabled", "readEnabled"), True)


@dataclass(frozen=True)
class Metadata:
    """The routes of one registry.

    Attributes:
        store: Its content.
        login: Says who may do what.
        host: Its host and port, which some answers name.
    """

    store: Store
    login: Login
    host: str

    def routes(self) -> list[BaseRoute]:
        """Reading and deleting; locks (PATCH) are refused."""
        name = "/acr/v1/{name:path}"
        locks = [f"{name}/_tags/{{tag}}", f"{name}/_manifests/{{digest}}"]
        return [
            *(Route(path, self._no_locks, methods=["PATCH"]) for path in locks),
            Route(f"{name}/_tags", self._tags),
            Route(f"{name}/_tags/{{tag}}", self._tag, methods=["GET", "DELETE"]),
            Route(f"{name}/_manifests", self._manifests),
            Route(f"{name}/_manifests/{{digest}}", self._manifest),
            Route(name, self._no_locks, methods=["PATCH"]),
            Route(name, self._repository, methods=["GET", "DELETE"]),
        ]

    async def _tags(self, request: Request) -> Response:
        name, page = self._known(request), self._page(request)
        digest = page.query.get("digest", "")
        found = self.store.repository(name).tags(page.after, digest)
        shown, headers = page.cut(found, lambda tag: tag.name)
        tags = [_tag(tag) for tag in shown]
        return JSONResponse(self._frame(name) | {"tags": tags}, headers=headers)

    async def _tag(self, request: Request) -> Response:
        action = "delete" if request.method == "DELETE" else "metadata_read"
        name = self._known(request, action)
        kept = self.store.repository(name)
        tag = kept.tag(request.path_params["tag"])
        if tag is None:
            raise RegistryError(
                404, "TAG_UNKNOWN", f"{name} has no tag {request.path_params['tag']}."
            )
        if request.method == "DELETE":
            kept.remove_tag(tag.name)
            return Response(status_code=202)
        return JSONResponse(self._frame(name) | {"tag": _tag(tag)})

    async def _manifests(self, request: Request) -> Response:
        name, page = self._known(request), self._page(request)
        kept = self.store.repository(name)
        found = kept.manifests(page.after)
        shown, headers = page.cut(found, lambda manifest: manifest.digest)
        manifests = [_describe(kept, manifest) for manifest in shown]
        return JSONResponse(self._frame(name) | {"manifests": manifests}, headers=headers)

    async def _manifest(self, request: Request) -> Response:
        name = self._known(request)
        found, _ = self.store.manifest(name, request.path_params["digest"])
        return JSONResponse(
            self._frame(name) | {"manifest": _describe(self.store.repository(name), found)}
        )

    async def _repository(self, request: Request) -> Response:
        if request.method == "DELETE":
            name = self._known(request, "delete")
            manifests, tags = self.store.delete_repository(name)
            return JSONResponse({"manifestsDeleted": manifests, "tagsDeleted": tags}, 202)
        name = self._known(request)
        kept = self.store.repository(name)
        manifests, tags = kept.manifests(), kept.tags()
        times = [each.created for each in manifests]
        return JSONResponse(
            self._frame(name)
            | {
                "createdTime": min(times),
                "lastUpdateTime": max([*times, *(tag.updated for tag in tags)]),
                "manifestCount": len(manifests),
                "tagCount": len(tags),
                "changeableAttributes": _ATTRIBUTES,
            }
        )

    async def _no_locks(self, request: Request) -> Response:
        raise RegistryError(
            405, "UNSUPPORTED", "The stand-in has no locks on repositories, tags and manifests."
        )

    def _known(self, request: Request, action: str = "metadata_read") -> str:
        name = self.login.repository(request, action)
        self.store.known(name)
        return name

    def _page(self, request: Request) -> Page:
        page = Page.asked(request)
        order = page.query.get("orderby", "none")
        if order not in ("none", ""):
            raise RegistryError(400, "UNSUPPORTED", f"The stand-in cannot order by '{order}'.")
        return page

    def _frame(self, name: str) -> dict[str, Any]:
        return {"registry": self.host, "imageName": name}


def _describe(repository: Repository, manifest: Manifest) -> dict[str, Any]:
    return {
        "digest": manifest.digest,
        "imageSize": manifest.size,
        "createdTime": manifest.created,
        "lastUpdateTime": manifest.created,
        "mediaType": manifest.media_type,
        "tags": [tag.name for tag in repository.tags(digest=manifest.digest)],
        "changeableAttributes": _ATTRIBUTES,
    }


def _tag(tag: Tag) -> dict[str, Any]:
    return {
        "name": tag.name,
        "digest": tag.digest,
        "createdTime": tag.created,
        "lastUpdateTime": tag.updated,
        "signed": False,
        "changeableAttributes": _ATTRIBUTES,
    }
