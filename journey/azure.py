"""What the journey asks the stand-in itself, so that only what is missing costs time.

The rooms' own commands do the work with Microsoft's clients, whose imports alone take seconds;
these are the questions whether there is any work. Every doubt is answered with "no": the command
then does it, or says what is wrong.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from journey.steps import JourneyError

GROUP = "Microsoft.ContainerInstance/containerGroups"
GROUPS = "2023-05-01"
"""The API version of container groups."""

SECONDS = 30.0
START_SECONDS = 180.0
"""How long a container group may take to start: more than the stand-in gives it."""


class UnexpectedAnswerError(Exception):
    """The stand-in did not answer, or not what was expected."""


@dataclass(frozen=True)
class Azure:
    """The stand-in's REST interfaces, with the environment's own login.

    Attributes:
        env: The environment that points every client at the stand-in.
        outputs: The stack's outputs.
    """

    env: Mapping[str, str]
    outputs: Mapping[str, Any]

    def registered_version(self, name: str, file: str, sha256: str) -> int | None:
        """The workspace's version of a model, if it holds the very bytes and they are whole.

        Args:
            name: The model's name in the registry.
            file: The pickle's file name.
            sha256: The pickle's digest.
        """
        asked = urlencode({"name": name, "tags": f"sha256={sha256}", "count": 1})
        try:
            (found,) = self._json("GET", f"{self._models}?{asked}")["value"]
            if found["kvTags"].get("sha256") != sha256:
                return None
            asset = str(found["url"]).removeprefix("aml://asset/")
            assets = f"{self._models.removesuffix('/models')}/assets"
            prefix = self._json("GET", f"{assets}/{asset}")["artifacts"][0]["prefix"]
            contents = f"{self._url}/artifact/v2.0{self._workspace}/artifacts/prefix/contentinfo"
            listed = self._json("GET", f"{contents}/{quote(prefix)}")["value"]
            uris = [one["contentUri"] for one in listed if f"/{one['path']}".endswith(f"/{file}")]
            status, content = self._send("GET", str(uris[0]), token="")
            whole = status == 200 and hashlib.sha256(content).hexdigest() == sha256
            return int(found["version"]) if whole else None
        except (UnexpectedAnswerError, LookupError, TypeError, ValueError):
            return None

    def has_workspace(self) -> bool:
        """Whether the stack's workspace exists: a state that says so may be older than ARM."""
        try:
            self._json("GET", f"{self._models}?count=1")
        except (UnexpectedAnswerError, KeyError):
            return False
        return True

    def has_image(self, repository: str, digest: str) -> bool:
        """Whether the stack's registry has an image."""
        server = str(self.outputs["login_server"])
        try:
            form = {"service": server, "grant_type": "access_token", "access_token": self._token}
            refresh = self._json("POST", f"https://{server}/oauth2/exchange", form=form)
            scope = f"repository:{repository}:pull"
            form = {"service": server, "grant_type": "refresh_token", "scope": scope}
            form["refresh_token"] = str(refresh["refresh_token"])
            access = self._json("POST", f"https://{server}/oauth2/token", form=form)
            url = f"https://{server}/v2/{repository}/manifests/{digest}"
            return self._send("HEAD", url, token=str(access["access_token"]))[0] == 200
        except (UnexpectedAnswerError, KeyError, TypeError):
            return False

    def group_state(self) -> str:
        """The state of the container group's containers, such as `Running` or `Stopped`.

        Raises:
            JourneyError: The stand-in does not say.
        """
        try:
            group = self._json("GET", f"{self._group()}?api-version={GROUPS}")
            return str(group["properties"]["instanceView"]["state"])
        except (UnexpectedAnswerError, KeyError, TypeError) as error:
            raise JourneyError(f"the container group's state is unknown: {error}") from error

    def start_group(self) -> None:
        """Start a stopped container group.

        Raises:
            JourneyError: It does not start; with the reason.
        """
        try:
            self._json("POST", f"{self._group()}/start?api-version={GROUPS}", seconds=START_SECONDS)
        except UnexpectedAnswerError as error:
            raise JourneyError(f"the container group does not start: {error}") from error

    def remove_half_made_group(self, name: str) -> bool:
        """Delete a container group that was never finished, and wait until it is gone.

        Returns:
            Whether there was one.

        Raises:
            JourneyError: It does not go.
        """
        try:
            url = f"{self._group(name)}?api-version={GROUPS}"
            status, content = self._send("GET", url)
            if status != 200:
                return False
            properties = json.loads(content)["properties"]
            made = properties.get("provisioningState") == "Succeeded"
            if made and (properties.get("ipAddress") or {}).get("fqdn"):
                return False
            self._json("DELETE", url)
            deadline = time.monotonic() + START_SECONDS
            while self._send("GET", url)[0] != 404:
                if time.monotonic() > deadline:
                    raise JourneyError(f"the half-made container group {name} does not go")
                time.sleep(0.1)
        except (UnexpectedAnswerError, KeyError, ValueError) as error:
            raise JourneyError(
                f"the half-made container group {name} cannot be deleted: {error}"
            ) from error
        return True

    @property
    def _url(self) -> str:
        return self.env["ARM_RESOURCE_MANAGER_ENDPOINT"]

    @property
    def _workspace(self) -> str:
        name = self.outputs["workspace"]
        return self._path(f"Microsoft.MachineLearningServices/workspaces/{name}")

    @property
    def _models(self) -> str:
        return f"{self._url}/modelmanagement/v1.0{self._workspace}/models"

    def _group(self, name: str = "") -> str:
        """The address of a container group: of this name, or the stack's own."""
        name = name or str(self.outputs["container_group"])
        return self._url + self._path(f"{GROUP}/{name}")

    def _path(self, resource: str) -> str:
        subscription, group = (self.outputs[key] for key in ("subscription_id", "resource_group"))
        return f"/subscriptions/{subscription}/resourceGroups/{group}/providers/{resource}"

    @cached_property
    def _token(self) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.env["AZURE_CLIENT_ID"],
            "client_secret": self.env["AZURE_CLIENT_SECRET"],
            "scope": f"{self._url}/.default",
        }
        url = f"{self._url}/{self.env['AZURE_TENANT_ID']}/oauth2/v2.0/token"
        status, content = self._send("POST", url, form=form, token="")
        try:
            return str(json.loads(content)["access_token"])
        except (ValueError, KeyError, TypeError) as error:
            raise UnexpectedAnswerError(f"the login was refused ({status})") from error

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.env["SSL_CERT_FILE"])

    def _json(
        self,
        method: str,
        url: str,
        *,
        form: Mapping[str, str] | None = None,
        seconds: float = SECONDS,
    ) -> dict[str, Any]:
        """A successful answer's JSON object; empty where the answer has no content.

        Raises:
            UnexpectedAnswerError: Any other answer, with its own words.
        """
        token = None if form is None else ""
        status, content = self._send(method, url, form=form, token=token, seconds=seconds)
        try:
            answer = json.loads(content) if content else {}
        except ValueError as error:
            raise UnexpectedAnswerError(f"{urlsplit(url).path} answered no JSON") from error
        if status >= 300:
            said = answer.get("error") if isinstance(answer, dict) else None
            message = said.get("message") if isinstance(said, dict) else None
            raise UnexpectedAnswerError(str(message or f"{urlsplit(url).path} answered {status}"))
        return answer

    def _send(
        self,
        method: str,
        url: str,
        *,
        form: Mapping[str, str] | None = None,
        token: str | None = None,
        seconds: float = SECONDS,
    ) -> tuple[int, bytes]:
        """Status and body. The token is ARM's unless another one, or "" for none, is given."""
        address = urlsplit(url)
        headers = {}
        if token != "":
            headers["Authorization"] = f"Bearer {self._token if token is None else token}"
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPSConnection(
            address.hostname or "", address.port, timeout=seconds, context=self._trust
        )
        try:
            target = address.path + (f"?{address.query}" if address.query else "")
            body = urlencode(form) if form is not None else None
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise UnexpectedAnswerError(f"{address.netloc} does not answer: {error}") from error
        finally:
            connection.close()
