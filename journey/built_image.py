"""The image that was built last, known again by everything that it was built from."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ALGORITHM = "sha256:"


@dataclass(frozen=True)
class BuiltImage:
    """An image's OCI layout and a note of what it was built from.

    Attributes:
        layout: The folder that `scoring build` writes.
        note: What it answered, with the digest of its sources.
        room: The folder of the service's sources.
    """

    layout: Path
    note: Path
    room: Path

    def find(self, model: Path) -> dict[str, Any] | None:
        """What the last build answered, if it was of these sources and is whole."""
        try:
            kept = json.loads(self.note.read_bytes())
            image: dict[str, Any] = kept["image"]
            if kept["sources"] != self._sources(model) or not self._is_whole(image["digest"]):
                return None
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return image

    def keep(self, model: Path, image: dict[str, Any]) -> None:
        """Write down what was built from what."""
        kept = {"sources": self._sources(model), "image": image}
        self.note.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")

    def _sources(self, model: Path) -> str:
        """One digest of the service's and the model's files: names, lengths and contents."""
        digest = hashlib.sha256()
        for folder in (self.room, model):
            for path in sorted(folder.rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    content = path.read_bytes()
                    name = path.relative_to(folder).as_posix()
                    digest.update(f"{name}\0{len(content)}\0".encode() + content)
        return digest.hexdigest()

    def _is_whole(self, digest: str) -> bool:
        index = json.loads((self.layout / "index.json").read_bytes())
        if [each["digest"] for each in index["manifests"]] != [digest]:
            return False
        manifest = json.loads(self._blob(digest))
        for part in (manifest["config"], *manifest["layers"]):
            self._blob(part["digest"])
        return True

    def _blob(self, digest: str) -> bytes:
        """The content of a blob.

        Raises:
            ValueError: It is not what its digest says.
        """
        name = digest.removeprefix(ALGORITHM)
        content = (self.layout / "blobs" / "sha256" / name).read_bytes()
        if hashlib.sha256(content).hexdigest() != name:
            raise ValueError(f"the blob {digest} was altered")
        return content
