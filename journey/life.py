"""The life cycle: up, smoke, service-down, down."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.azure_facts import TAG_VALUE_MOST
from journey import pods
from journey.azure import Azure
from journey.built_image import BuiltImage
from journey.evidence import Evidence
from journey.look import dashboard
from journey.look import process as look
from journey.plan import Plan
from journey.stack import Stack
from journey.steps import DiskFullError, JourneyError, Steps
from journey.target import Target
from local_azure.environment import STACK, ambient
from model_eval import workspace_config
from scoring.errors import ModelError
from scoring.manifest import Manifest, verified_bytes
from scoring.output_folder import MARK

REPOSITORY = "sklearn-mnist-svc"
DEFAULTS = {"azure-native:location": "westeurope", "protect": "false"}
"""Settings of a stack that comes and goes; what the user has set stays."""

TAGS = {"tags.environment": "local", "tags.service": "sklearn-mnist-svc"}
"""The tags that the project's own policy asks for; only where the user has set none."""

KEY = "scoringKey"
KEY_VARIABLE = "SCORING_KEY"


@dataclass(frozen=True)
class Deployed:
    """What a journey ended with.

    Attributes:
        accuracy: Of the validated model, 0 to 1.
        outputs: The stack's outputs.
        keyed: Whether callers need the scoring key.
    """

    accuracy: float
    outputs: Mapping[str, Any]
    keyed: bool


@dataclass(frozen=True)
class Life:
    """Runs the rooms' own commands against the local stand-in, in order.

    Each step asks first whether there is anything to do: what is validated, registered, built and
    pushed already is known by its digest.

    Attributes:
        steps: Runs and shows the commands.
        state: The stand-in's state folder: everything that is written lands in it.
        stack: The local stack, with the environment that points every client at the stand-in.
        target: Where the service runs.
    """

    steps: Steps
    state: Path
    stack: Stack
    target: Target = Target.ACI

    @property
    def out(self) -> Path:
        """Plots, reports and the sample request."""
        return self.state / "out"

    @property
    def retrieved(self) -> Path:
        """What the workspace's registry gave back."""
        return self.state / "model"

    @property
    def service(self) -> str:
        """What is deployed, in the words of its target."""
        return "container group" if self.target is Target.ACI else "Kubernetes service"

    @property
    def remembered(self) -> Path:
        """The plan of the last `up`."""
        return self.state / "journey.json"

    def up(self, plan: Plan) -> Deployed:
        """Validate, make the infrastructure, register, retrieve, build, deploy and test.

        The image is built from what the workspace's registry gave back, once that passed the gate.

        Raises:
            JourneyError: A step failed. What was done before it stays and is not done again.
        """
        plan.check()
        self._check_out()
        report = self._validated(plan, plan.source, "Validate the model")
        self._recover()
        outputs = self._infrastructure()
        model = plan.source
        if plan.registered:
            model = self._registered(plan, outputs)
            report = self._validated(plan, model, "Validate what was retrieved")
        image = self._build(model)
        reference = self._push(outputs, str(image["digest"]))
        labels = image["labels"]
        data = labels.get("model.data", "")[:TAG_VALUE_MOST]
        if not data and self.stack.is_set("data"):
            self.stack.unset("Remove data, of another model, from the configuration", "data")
        self._deploy(
            outputs,
            self._defaults()
            | {
                "image": reference,
                "modelSha256": labels["model.sha256"],
                "modelVersion": labels["model.version"],
                **({"data": data} if data else {}),
            },
        )
        if self.target is Target.ACI:
            outputs = self.stack.made("scoring_uri", "container_group")
            self._start(outputs)
        else:
            outputs = self.stack.made("scoring_uri", "namespace")
        plan.remember(self.remembered)
        self.smoke(plan, model, str(outputs["scoring_uri"]))
        self.look()
        return Deployed(float(report["accuracy"]), outputs, self.stack.is_set(KEY))

    def smoke(self, plan: Plan, model: Path, uri: str) -> None:
        """Test the endpoint as the tutorial does."""
        plan.check()
        self._check_out()
        for name in ("results.png", "sample.json", "smoke.json", "smoke.xml", "smoke.html"):
            (self.out / name).unlink(missing_ok=True)
        result = self.out / "smoke.json"
        key = self.stack.secret(KEY)
        self._run(
            "Test the endpoint",
            "model_eval",
            "smoke",
            *("--uri", uri, "--model", str(model), "--out", str(self.out)),
            *("--json", str(result), "--junit", str(self.out / "smoke.xml")),
            *("--html", str(self.out / "smoke.html")),
            *(("--key-env", KEY_VARIABLE) if key else ()),
            *_data(plan),
            env={KEY_VARIABLE: key} if key else {},
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

    def smoke_again(self, plan: Plan | None, model: Path | None, data: Path | None) -> None:
        """Test what the last `up` deployed, with its data, where nothing else is named.

        Raises:
            JourneyError: There is no service, or a check failed.
        """
        outputs = self.stack.outputs()
        if "scoring_uri" not in outputs:
            raise JourneyError("there is no scoring service; deploy it with: make up")
        if plan is None and model is None:
            raise JourneyError(
                "what the last `make up` deployed is not known any more; run make up again, or "
                "name it: make smoke ARGS='--model DIR --data FILE'"
            )
        tested = model or (self.retrieved if plan and plan.registered else plan and plan.source)
        if tested is None:
            raise JourneyError("name the model that is deployed with --model DIR")
        remembered = plan.data if plan and model is None else None
        self.smoke(
            Plan(tested, registered=False, data=data or remembered, min_accuracy=0),
            tested,
            str(outputs["scoring_uri"]),
        )
        self.look()

    def look(self) -> Path:
        """Write the page of the stack and serve it, so that a digit can be drawn."""
        outputs = self.stack.outputs()
        uri = str(outputs.get("scoring_uri", ""))
        served, state = "", "Unknown"
        if uri:
            with suppress(JourneyError):
                state = (
                    pods.state(self.stack.env, outputs)
                    if "namespace" in outputs
                    else Azure(self.stack.env, outputs).group_state()
                )
            key = self.stack.secret(KEY) or ""
            served = look.start(self.state, self.out, self.steps.root, uri, key)
        else:
            look.stop(self.state)
        resources = self.stack.local.deployment().get("resources") or ()
        page = self.out / dashboard.FILE
        self.out.mkdir(parents=True, exist_ok=True)
        page.write_text(
            dashboard.render(self.out, resources, outputs, state, served, self._digits()), "utf-8"
        )
        return page

    def review(self) -> int:
        """Review what an update would do; the exit code is the review's."""
        return self._checked("review")

    def drift(self) -> int:
        """Look for drift; the exit code is the check's."""
        # Beside the results, which a new validation begins anew.
        return self._checked("drift", "--history", str(self.state / "drift.jsonl"))

    def _checked(self, tool: str, *more: str) -> int:
        """Run a check that speaks for itself, then bring the page up to date.

        Raises:
            JourneyError: There is nothing to check.
        """
        if not self.stack.outputs():
            raise JourneyError("nothing is deployed here; deploy it with: make up")
        self.out.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", f"infra.{tool}", "--stack", STACK, *more]
        for kind in ("json", "html"):
            command += [f"--{kind}", str(self.out / f"{tool}.{kind}")]
        done = subprocess.run(command, cwd=self.steps.root, env=dict(self.stack.env), check=False)
        self.look()
        return done.returncode

    def _digits(self) -> dashboard.Digits | None:
        """A real image of each digit, if the deployed model takes such."""
        plan = Plan.recall(self.remembered)
        model = self.retrieved if plan is None or plan.registered else plan.source
        manifest = _kept(model)
        if manifest is None or manifest.image != (28, 28):
            return None
        kept = json.loads((self.steps.root / "infra" / "drift" / "sample.json").read_bytes())
        return dashboard.Digits(kept["rows"], kept["answers"])

    def service_down(self) -> None:
        """Remove the service alone: the program without an image does not declare it.

        Raises:
            JourneyError: There is no stack.
        """
        self._recover()
        self._forget_image()
        self.stack.up(f"Remove the {self.service}", self._defaults())
        self.look()

    def down(self) -> None:
        """Delete all resources."""
        look.stop(self.state)
        self._recover()
        self.stack.destroy("Delete all resources")

    def _check_out(self) -> None:
        """Begin the folder anew where its mark is damaged: the commands would refuse it."""
        try:
            json.loads((self.out / MARK).read_bytes())
        except (OSError, ValueError):
            shutil.rmtree(self.out, ignore_errors=True)

    def _validated(self, plan: Plan, model: Path, title: str) -> dict[str, Any]:
        """The report of this model on this data, above this gate: the last one, or a new one."""
        evidence = Evidence(self.out / "report.json", self.state / "report.basis.json")
        report = evidence.valid(plan, model)
        if report is None:
            evidence.forget()
            # No picture of another model, or of other data, stays beside the new report.
            shutil.rmtree(self.out, ignore_errors=True)
            self._run(
                title,
                "model_eval",
                "validate",
                *("--model", str(model), "--out", str(self.out)),
                *("--min-accuracy", str(plan.min_accuracy), "--json", str(evidence.report)),
                *("--html", str(self.out / "validation.html")),
                *_data(plan),
            )
            evidence.keep(plan, model)
            report = json.loads(evidence.report.read_text(encoding="utf-8"))
        else:
            with self.steps.timed(f"{title}: the same model, data and gate as before"):
                pass
        manifest = Manifest.read(model)
        self.steps.detail(
            f"{manifest.name} version {manifest.version}, sha256 {manifest.sha256[:12]}: "
            f"accuracy {report['accuracy']:.4f} on {report['rows']} rows"
        )
        return report

    def _recover(self) -> None:
        with self.steps.timed("Look for what an interrupted run left"):
            done = self.stack.local.recover(self.stack.env)
        for line in done:
            self.steps.detail(line)

    def _infrastructure(self) -> dict[str, Any]:
        """The registry has to exist before an image can be pushed to it."""
        if not self.stack.is_set("tags"):
            self.stack.set("Set the tags that the project asks for", TAGS)
        outputs = self.stack.outputs()
        if "login_server" in outputs and not Azure(self.stack.env, outputs).has_workspace():
            self._forget_image()
            outputs = {}
        if "login_server" not in outputs:
            self.stack.up("Make the infrastructure, without the service", self._defaults())
        return self.stack.made()

    def _forget_image(self) -> None:
        """Without an image the program declares everything but the service."""
        image = ("image", "modelSha256", "modelVersion", "data")
        if keys := [key for key in image if self.stack.is_set(key)]:
            self.stack.unset("Remove the image from the configuration", *keys)

    def _defaults(self) -> dict[str, str]:
        """What a stack needs and the user has not set; the target, where it is another one now."""
        wanted = {key: value for key, value in DEFAULTS.items() if not self.stack.is_set(key)}
        if self.target is not Target.ACI or self.stack.is_set("target"):
            wanted["target"] = self.target
        return wanted

    def _registered(self, plan: Plan, outputs: Mapping[str, Any]) -> Path:
        config = self.state / "config.json"
        workspace_config.write(json.dumps(outputs), config)
        title = "Register and retrieve the model"
        wanted, kept = Manifest.read(plan.source), _kept(self.retrieved)
        if kept and (kept.name, kept.sha256) == (wanted.name, wanted.sha256):
            with self.steps.timed(f"{title}: ask the workspace"):
                version = Azure(self.stack.env, outputs).registered_version(
                    wanted.name, wanted.file, wanted.sha256
                )
            if str(version) == kept.version:
                self.steps.detail(f"already registered: {wanted.name} version {version}")
                return self.retrieved
        result = self.state / "registered.json"
        # In the user's own environment, as the build: packages may have to be installed for it.
        command = [sys.executable, "-m", "scoring", "check", "--model", str(plan.source)]
        self.steps.run("Start the model as in its image", command, ambient())
        # It is ours: one that was damaged is no reason to refuse it.
        shutil.rmtree(self.retrieved, ignore_errors=True)
        self._run(
            title,
            "model_eval",
            "register",
            *("--model", str(plan.source), "--report", str(self.out / "report.json")),
            *("--min-accuracy", str(plan.min_accuracy), "--config", str(config)),
            *("--retrieve-to", str(self.retrieved), "--json", str(result)),
            *_data(plan),
            remedy=_registry_remedy,
        )
        done = json.loads(result.read_text(encoding="utf-8"))
        verb = "registered" if done["created"] else "already registered"
        self.steps.detail(f"{verb}: {done['name']} version {done['version']}")
        return self.retrieved

    def _build(self, model: Path) -> dict[str, Any]:
        built = BuiltImage(
            self.state / "image", self.state / "image.basis.json", self.steps.root / "scoring"
        )
        image = built.find(model)
        if image is None:
            result = self.state / "image.json"
            built.note.unlink(missing_ok=True)
            shutil.rmtree(built.layout, ignore_errors=True)
            build = (*("scoring", "build", "--model", str(model)), "--out", str(built.layout))
            # In the user's own environment: its check of the model may need a package index.
            self.steps.run(
                "Build the image",
                [sys.executable, "-m", *build, "--json", str(result)],
                ambient(),
            )
            image = json.loads(result.read_text(encoding="utf-8"))
            built.keep(model, image)
        else:
            with self.steps.timed("Build the image: nothing has changed"):
                pass
        self.steps.detail(f"digest {image['digest']}")
        return image

    def _push(self, outputs: Mapping[str, Any], digest: str) -> str:
        server = str(outputs["login_server"])
        with self.steps.timed("Ask the registry for the image"):
            there = Azure(self.stack.env, outputs).has_image(REPOSITORY, digest)
        if there:
            self.steps.detail("already there")
            return f"{server}/{REPOSITORY}@{digest}"
        result = self.state / "push.json"
        self._run(
            "Push the image",
            "scoring",
            "push",
            *("--image", str(self.state / "image"), "--registry", server),
            *("--repository", REPOSITORY, "--json", str(result)),
        )
        pushed = json.loads(result.read_text(encoding="utf-8"))
        self.steps.detail("sent" if pushed["pushed"] else "already there")
        return str(pushed["reference"])

    def _deploy(self, outputs: Mapping[str, Any], config: Mapping[str, str]) -> None:
        """Update the stack; a container group that was never finished is made anew."""
        title = "Deploy the scoring service"
        try:
            self.stack.up(title, config)
        except DiskFullError:
            raise
        except JourneyError:
            if not Azure(self.stack.env, outputs).remove_half_made_group(REPOSITORY):
                raise
            self.steps.detail("removed a container group that was never finished")
            self.stack.up(f"{title}, again", config)

    def _start(self, outputs: Mapping[str, Any]) -> None:
        """A container group that was stopped is as declared, so no update starts it."""
        azure = Azure(self.stack.env, outputs)
        state = azure.group_state()
        if state == "Running":
            return
        with self.steps.timed(f"Start the container group, which is {state.lower()}"):
            azure.start_group()

    def _run(
        self,
        title: str,
        module: str,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        remedy: Callable[[str], str] | None = None,
    ) -> str:
        command = [sys.executable, "-m", module, *arguments]
        return self.steps.run(title, command, {**self.stack.env, **(env or {})}, remedy=remedy)


def _data(plan: Plan) -> list[str]:
    return ["--data", str(plan.data)] if plan.data else []


def _registry_remedy(output: str) -> str:
    """What to do about a workspace whose copy of the model is damaged: nothing else has it."""
    if "registered was" not in output:
        return ""
    return "The workspace's copy of the model is damaged: make down, then make up."


def _kept(folder: Path) -> Manifest | None:
    """The manifest of a model directory whose pickle it declares; None where it is damaged."""
    try:
        manifest = Manifest.read(folder)
        verified_bytes(folder, manifest)
    except ModelError:
        return None
    return manifest
