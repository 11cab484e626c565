"""Every setting as a page: `python -m infra.configuration.page > docs/configuration.md`."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields

from infra.aks import settings as kubernetes_settings
from infra.aks.settings import KubernetesSettings
from infra.configuration.reader import LOCATION, REGION
from infra.settings import KEYS, Settings

TYPES = {
    "str": "text",
    "ImageReference": "text",
    "int": "whole number",
    "float": "number",
    "bool": "true or false",
    "Mapping[str, str]": "object",
    "pulumi.Output[str]": "secret",
}
INTRODUCTION = """# Configuration

Made from `infra/settings.py` by `python -m infra.configuration.page`, and tested to be up to date.

```sh
pulumi config set cpu 2
pulumi config set --path tags.team blue    # an object
openssl rand -hex 32 | pulumi config set --secret scoringKey
cat FILE | pulumi config set --secret kubeconfig
```

`azure-native:location` is required, everything else has a default. An unknown key is refused, and
a wrong value is named with what is allowed, before any resource is touched. `aks` in the last
column: of that target alone. What the service itself reads from its environment is in
[its own table](../scoring/README.md#environment-variables).

"""


def page() -> str:
    """The page, as Markdown."""
    head = ("setting", "meaning", "type", "default", "allowed", "target")
    lines = [head, ("---",) * len(head), *_rows()]
    return INTRODUCTION + "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _rows() -> Iterator[tuple[str, ...]]:
    known = {
        **{each.name: (each, _meanings(Settings)) for each in fields(Settings)},
        **{each.name: (each, _meanings(KubernetesSettings)) for each in fields(KubernetesSettings)},
    }
    for key, allowed in {LOCATION: REGION, **KEYS}.items():
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key.rpartition(":")[2]).lower()
        field, meanings = known[name]
        target = "aks" if key in kubernetes_settings.KEYS else "both"
        kind = TYPES[str(field.type).removesuffix(" | None")]
        yield f"`{key}`", meanings[name], kind, _default(field), allowed, target


def _default(field: Field[object]) -> str:
    if field.default is MISSING:
        return "`{}`" if field.default_factory is not MISSING else "required"
    if field.default is None:
        return ""
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


def _meanings(settings: type) -> dict[str, str]:
    """What the class says of its attributes."""
    said = (inspect.getdoc(settings) or "").partition("Attributes:\n")[2]
    found = re.findall(r"^    (\w+): (.+(?:\n {8}.+)*)", said, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}


if __name__ == "__main__":
    sys.stdout.write(page())
