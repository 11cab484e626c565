"""How many of the service's pods are ready, as the stand-in's cluster says."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any

from journey.steps import JourneyError

SECONDS = 30.0


def state(env: Mapping[str, str], outputs: Mapping[str, Any]) -> str:
    """Such as `Running: 2 of 2 pods are ready`.

    Args:
        env: The environment in which kubectl reaches the cluster.
        outputs: The stack's.

    Raises:
        JourneyError: The cluster does not say.
    """
    kubectl = shutil.which("kubectl", path=env.get("PATH"))
    namespace = str(outputs["namespace"])
    if kubectl is None:
        raise JourneyError("there is no kubectl")
    words = [kubectl, "get", "deployments", "--namespace", namespace, "--output", "json"]
    try:
        done = subprocess.run(
            words,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=True,
        )
        (deployment,) = json.loads(done.stdout)["items"]
        wanted, ready = (
            int(deployment[part].get(name) or 0)
            for part, name in (("spec", "replicas"), ("status", "readyReplicas"))
        )
    except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        raise JourneyError(f"the state of the pods is unknown: {error}") from error
    return f"{'Running' if ready else 'Not ready'}: {ready} of {wanted} pods are ready"
