"""The life cycle: up, smoke, service-down, down."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from journey.stack import Stack
from journey.steps import Steps
from model_eval import workspace_config

REPOSITORY = "sklearn-mnist-svc"
LOCATION = "westeurope"


@dataclass(frozen=True)
class Plan:
    """What one journey deploys.

    Attributes:
        source: The model directory that the journey begins with.
        registered: Whether it goes through the workspace's registry; else it is deployed as it is.
        data: Test data for the validation and the smoke test; None is the MNIST test set.
        min_accuracy: The gate, 0 to 1.
    """

    source: Path
    registered: bool
    data: Path | None
    min_accuracy: float


@dataclass(frozen=True)
class Deployed:
    """What a journey ended with.

    Attributes:
        accuracy: Of the validated model, 0 to 1.
        outputs: The stack's outputs.
    """

    accuracy: float
    outputs: Mapping[str, Any]


@dataclass(frozen=True)
class Life:
    """Runs the rooms' own commands against the local stand-in, in order.

    Attributes:
        steps: Runs and shows the commands.
        state: The stand-in's state folder: everything that is written lands in it.
        env: The environment that points every client at the stand-in.
    """

    steps: Steps
    state: Path
    env: Mapping[str, str]

    @property
    def stack(self) -> Stack:
        """The local stack."""
        return Stack(self.steps, self.env)

    @property
    def out(self) -> Path:
        """Plots, reports and the sample request."""
        return self.state / "out"

    def up(self, plan: Plan) -> Deployed:
        """Validate, make the infrastructure, register, retrieve, build, deploy and test.

        The image is built from what the workspace's registry gave back, after its own validation.

        Raises:
            JourneyError: A step failed. What was done before it stays and is not done again.
        """
        report = self._report(plan.source)
        if report is None or report["accuracy"] < plan.min_accuracy:
            report = self._validate(plan, plan.source, "Validate the model")
        self._recover()
        outputs = self._infrastructure()
        model = plan.source
        if plan.registered:
            model = self._registered(plan, outputs)
            report = self._validate(plan, model, "Validate what was retrieved")
        image = self._build(model)
        reference = self._push(str(outputs["login_server"]))
        labels = image["labels"]
        self.stack.up(
            "Deploy the scoring service",
            {
                "azure-native:location": LOCATION,
                "image": reference,
                "modelSha256": labels["model.sha256"],
                "modelVersion": labels["model.version"],
            },
        )
        outputs = self.stack.outputs()
        self.smoke(plan, model, str(outputs["scoring_uri"]))
        return Deployed(float(report["accuracy"]), outputs)

    def smoke(self, plan: Plan, model: Path, uri: str) -> None:
        """Test the endpoint as the tutorial does."""
        result = self.out / "smoke.json"
        self._run(
            "Test the endpoint",
            "model_eval",
            "smoke",
            *("--uri", uri, "--model", str(model), "--out", str(self.out)),
            *("--json", str(result), "--junit", str(self.out / "smoke.xml")),
            *_data(plan),
        )
        found = json.loads(result.read_text(encoding="utf-8"))
        right = sum(
            truth == answer
            for truth, answer in zip(
                found["samples"]["truth"], found["samples"]["predicted"], strict=True
            )
        )
        self.steps.detail(
            f"{right} of {len(found['samples']['truth'])} random samples labelled right, "
            f"all answered as the local model does; it serves {found['model']['sha256'][:12]}"
        )

    def service_down(self) -> None:
        """Remove the container group alone: the program without an image does not declare it.

        Raises:
            JourneyError: There is no stack.
        """
        self._recover()
        for key in ("image", "modelSha256", "modelVersion"):
            self.stack.unset(f"Remove {key} from the configuration", key)
        self.stack.up("Remove the container group", {"azure-native:location": LOCATION})

    def down(self) -> None:
        """Delete all resources, stop the stand-in, remove the state folder."""
        self._recover()
        self.stack.destroy("Delete all resources")
        self._run("Stop the stand-in and remove its state", "local_azure", "reset")

    @property
    def retrieved(self) -> Path:
        """What the workspace's registry gave back."""
        return self.state / "model"

    def _report(self, model: Path) -> dict[str, Any] | None:
        """The last validation's report, if it is of this very model."""
        try:
            report = json.loads((self.out / "report.json").read_text(encoding="utf-8"))
            manifest = json.loads((model / "manifest.json").read_text(encoding="utf-8"))
            return report if report["model"]["sha256"] == manifest["sha256"] else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _registered(self, plan: Plan, outputs: Mapping[str, Any]) -> Path:
        config = self.state / "config.json"
        workspace_config.write(json.dumps(outputs), config)
        result = self.state / "registered.json"
        self._run(
            "Register and retrieve the model",
            "model_eval",
            "register",
            *("--model", str(plan.source), "--report", str(self.out / "report.json")),
            *("--min-accuracy", str(plan.min_accuracy), "--config", str(config)),
            *("--retrieve-to", str(self.retrieved), "--json", str(result)),
        )
        done = json.loads(result.read_text(encoding="utf-8"))
        verb = "registered" if done["created"] else "already registered"
        self.steps.detail(f"{verb}: {done['name']} version {done['version']}")
        return self.retrieved

    def _validate(self, plan: Plan, model: Path, title: str) -> dict[str, Any]:
        report = self.out / "report.json"
        self._run(
            title,
            "model_eval",
            "validate",
            *("--model", str(model), "--out", str(self.out)),
            *("--min-accuracy", str(plan.min_accuracy), "--json", str(report)),
            *_data(plan),
        )
        found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
        named = found["model"]
        self.steps.detail(
            f"{named['name']} version {named['version']}, sha256 {named['sha256'][:12]}: "
            f"accuracy {found['accuracy']:.4f} on {found['rows']} rows"
        )
        return found

    def _recover(self) -> None:
        self._run("Look for what an interrupted run left", "local_azure", "recover")

    def _infrastructure(self) -> dict[str, Any]:
        """The registry has to exist before an image can be pushed to it."""
        outputs = self.stack.outputs()
        if "login_server" not in outputs:
            self.stack.up(
                "Make the infrastructure, without the service", {"azure-native:location": LOCATION}
            )
            outputs = self.stack.outputs()
        return outputs

    def _build(self, model: Path) -> dict[str, Any]:
        result = self.state / "image.json"
        self._run(
            "Build the image",
            "scoring",
            "build",
            *("--model", str(model), "--out", str(self.state / "image"), "--json", str(result)),
        )
        image = json.loads(result.read_text(encoding="utf-8"))
        self.steps.detail(f"digest {image['digest']}")
        return image

    def _push(self, login_server: str) -> str:
        result = self.state / "push.json"
        self._run(
            "Push the image",
            "scoring",
            "push",
            *("--image", str(self.state / "image"), "--registry", login_server),
            *("--repository", REPOSITORY, "--json", str(result)),
        )
        pushed = json.loads(result.read_text(encoding="utf-8"))
        self.steps.detail("sent" if pushed["pushed"] else "already there")
        return str(pushed["reference"])

    def _run(self, title: str, module: str, *arguments: str) -> str:
        command = [sys.executable, "-m", module, *arguments]
        return self.steps.run(title, command, self.env)


def _data(plan: Plan) -> list[str]:
    return ["--data", str(plan.data)] if plan.data else []
