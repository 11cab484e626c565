"""The model and its evidence: train, validate, smoke; the registry of the workspace."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, ParamSpec

from scoring.packages import packages_of

LOCK = "requirements.txt"
with packages_of(LOCK):
    import typer
    from rich.console import Console
    from rich.progress import Progress, TimeElapsedColumn

    from model_eval.errors import EvaluationError
    from model_eval.sdk import SdkVersion
    from scoring.errors import ScoringError
    from scoring.output_folder import check as check_folder
    from scoring.output_folder import extended, write_json, write_text

P = ParamSpec("P")
DEFAULT_MODEL = Path(__file__).parent / "models" / "sklearn_mnist" / "1"
OUT = Path("out")

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=__doc__,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
console = Console(highlight=False, soft_wrap=True)

ModelOption = Annotated[
    Path,
    typer.Option(
        "--model", metavar="DIR", help="Model directory.", show_default="the committed one"
    ),
]
DataOption = Annotated[
    Path | None,
    typer.Option("--data", metavar="FILE", help="Test data: .npz (X, y) or .csv. [default: MNIST]"),
]
EvidenceOption = Annotated[
    Path,
    typer.Option(
        "--out",
        metavar="DIR",
        help="Folder for plots and reports: new, empty, or from an earlier validate or smoke, whose"
        " files of the same names are replaced.",
    ),
]
JsonOption = Annotated[
    Path | None,
    typer.Option(
        "--json", metavar="FILE", help="Write the result here too; an older file is replaced."
    ),
]
HtmlOption = Annotated[
    Path | None,
    typer.Option(
        "--html",
        metavar="FILE",
        help="Write a page for people: one file; an older file is replaced.",
    ),
]
EVIDENCE = "evidence of a model"


def one_line_errors(command: Callable[P, None]) -> Callable[P, None]:
    """End a command with the error's one line and exit code 1, never with a traceback."""

    @wraps(command)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except (EvaluationError, ScoringError) as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            typer.echo("interrupted; nothing half-written was left", err=True)
            raise typer.Exit(130) from None

    return guarded


@app.command()
@one_line_errors
def train(
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="Model directory: new, empty, or an earlier trained model, which is replaced.",
            show_default="the committed one",
        ),
    ] = DEFAULT_MODEL,
) -> None:
    """Train as part 1 of the tutorial does.

    On the 60,000 MNIST images, which are downloaded once.
    """
    # Imported in the commands that need it: scikit-learn takes half a second.
    from model_eval import training

    began = time.monotonic()
    with Progress(*Progress.get_default_columns(), TimeElapsedColumn(), console=console) as bar:
        task = bar.add_task("training, a class a step", total=10)

        def fitted() -> None:
            bar.advance(task)
            if not console.is_terminal:
                done = int(bar.tasks[task].completed)
                typer.echo(f"class {done} of 10 after {time.monotonic() - began:.0f} s")

        manifest = training.train(out, typer.echo, fitted)
    typer.echo(f"{manifest.name} {manifest.version}, sha256 {manifest.sha256}")
    typer.echo(f"Overall accuracy: {manifest.accuracy:.4f}; written to {out}")


@app.command()
@one_line_errors
def manifest(
    pickle: Annotated[
        Path,
        typer.Argument(
            metavar="PICKLE", help="A fitted estimator. It is loaded, so only one that you trust."
        ),
    ],
    name: Annotated[str, typer.Option(metavar="NAME", help="The model's name.")],
    data: DataOption = None,
    version: Annotated[
        str, typer.Option(metavar="VERSION", help="Its version; a registry gives its own.")
    ] = "1",
    image: Annotated[
        str | None,
        typer.Option(metavar="HEIGHTxWIDTH", help="What a row is a picture of; MNIST: 28x28."),
    ] = None,
    description: Annotated[
        str, typer.Option(metavar="TEXT", help="What the model does, in a line.")
    ] = "",
    data_name: Annotated[
        str, typer.Option(metavar="TEXT", help="What it was trained on, in a word.")
    ] = "",
) -> None:
    """Write manifest.json beside a bare pickle.

    An older manifest of the pickle is replaced.
    """
    shape = None
    if image is not None:
        height, _, width = image.partition("x")
        if not all(
            part.isascii() and part.isdecimal() and len(part) < 6 for part in (height, width)
        ):
            raise typer.BadParameter("HEIGHTxWIDTH, such as 28x28", param_hint="--image")
        shape = int(height), int(width)
    from model_eval import dataset
    from model_eval import manifest as manifests

    test_data = dataset.load(data, typer.echo)
    said = manifests.Description(
        name=name,
        version=version,
        image=shape or (None if data else (28, 28)),
        description=description,
        data=data_name or ("" if data else "MNIST"),
    )
    written = manifests.describe(pickle, test_data, said)
    typer.echo(f"{written.name} {written.version}, sha256 {written.sha256}")
    if written.accuracy is not None:
        typer.echo(f"Overall accuracy: {written.accuracy:.4f}")
    typer.echo(f"{pickle.parent / 'manifest.json'}; the model directory is {pickle.parent}")


@app.command()
@one_line_errors
def validate(
    model: ModelOption = DEFAULT_MODEL,
    data: DataOption = None,
    out: EvidenceOption = OUT,
    min_accuracy: Annotated[
        float, typer.Option(min=0, max=1, metavar="0..1", help="The gate: exit code 1 below it.")
    ] = 0.9,
    json: JsonOption = None,
    html: HtmlOption = None,
) -> None:
    """Measure a model and hold it to the gate.

    Exit code 1 below the gate. The mistakes are drawn.
    """
    extended(out, EVIDENCE)
    from model_eval import dataset, plots, validation

    began = time.perf_counter()
    test_data = dataset.load(data, typer.echo)
    read = time.perf_counter() - began
    measured = validation.validate(model, test_data)
    evaluation, manifest = measured.evaluation, measured.manifest
    report = validation.report(evaluation, manifest, test_data)
    write_json(out / "report.json", report)
    if json:
        write_json(json, report)
    plots.confusion(evaluation.matrix, evaluation.classes, out / "conf.png")
    if html:
        from model_eval import page

        plot = (out / "conf.png").read_bytes()
        seconds = {"read the test data": read, **measured.seconds}
        write_text(html, page.validation(measured, report, test_data, min_accuracy, plot, seconds))
    typer.echo(f"{manifest.name} {manifest.version}, sha256 {manifest.sha256}")
    typer.echo(str(evaluation.matrix))
    typer.echo(f"Overall accuracy: {evaluation.accuracy:.4f}")
    typer.echo(f"plot: {out / 'conf.png'}  report: {out / 'report.json'}")
    if html:
        typer.echo(f"page: {html}")
    validation.gate(evaluation, min_accuracy)


@app.command()
@one_line_errors
def smoke(
    uri: Annotated[str, typer.Option(envvar="SCORING_URI", metavar="URI", help="Where to POST.")],
    model: ModelOption = DEFAULT_MODEL,
    data: DataOption = None,
    samples: Annotated[int, typer.Option(min=1, metavar="N", help="Rows in the one request.")] = 30,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Draw the same rows again.")] = None,
    key_env: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The environment variable that holds the Bearer key."),
    ] = None,
    wait: Annotated[
        float,
        typer.Option(min=0, metavar="SECONDS", help="How long a starting service is waited for."),
    ] = 60,
    out: EvidenceOption = OUT,
    json: JsonOption = None,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a JUnit report here.")
    ] = None,
    html: HtmlOption = None,
) -> None:
    """Test a deployed endpoint.

    Its model, random rows in one request, and one raw row.
    """
    key = os.environ.get(key_env) if key_env else None
    if key_env and not key:
        raise typer.BadParameter(
            f"the environment variable {key_env} is not set", param_hint="--key-env"
        )
    extended(out, EVIDENCE)
    from model_eval import dataset, plots
    from model_eval.endpoint import Endpoint
    from model_eval.smoke import Smoke

    test_data = dataset.load(data, typer.echo)
    test = Smoke(Endpoint(uri, key, wait), model, test_data, samples, seed)
    result = test.run()
    typer.echo(f"POST to url {uri}")
    typer.echo(f"labels:      {result.samples.truth}")
    typer.echo(f"predictions: {result.samples.predicted}")
    typer.echo(f"raw row:     label {result.raw.truth}, answer {result.raw.predicted}")
    write_text(out / "sample.json", test.raw_body(result))
    shape = result.manifest.image
    if shape and result.samples.predicted:
        rows = test_data.features[result.samples.indices]
        plots.samples(
            rows, shape, result.samples.truth, result.samples.predicted, out / "results.png"
        )
        typer.echo(f"plot: {out / 'results.png'}")
    if json:
        write_json(json, result.as_json())
    if junit:
        result.write_junit(junit)
    if html:
        from model_eval import page

        write_text(html, page.smoke(result, test_data))
        typer.echo(f"page: {html}")
    for check in result.checks:
        typer.echo(f"{'FAILED' if check.failure else 'ok'}: {check.name}")
    if result.failures:
        raise EvaluationError("; ".join(result.failures))
    wrong = sum(a != b for a, b in zip(result.samples.truth, result.samples.predicted, strict=True))
    typer.echo(f"{len(result.samples.truth) - wrong} of {len(result.samples.truth)} labels right")


ConfigOption = Annotated[
    Path,
    typer.Option("--config", metavar="FILE", help="The workspace, as the command config wrote it."),
]
LimitOption = Annotated[
    float,
    typer.Option("--limit", min=1, metavar="SECONDS", help="For one operation of the workspace."),
]
SdkOption = Annotated[
    SdkVersion | None,
    typer.Option(
        "--sdk",
        help="azureml-core (v1) or azure-ai-ml (v2). [default: what is installed, v1 if both]",
    ),
]
CONFIG = Path("config.json")


@app.command()
@one_line_errors
def config(
    outputs: Annotated[
        typer.FileText | None,
        typer.Option(
            metavar="FILE", help="Output of `pulumi stack output --json`; - is standard input."
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="Where to write it; an older file is replaced.")
    ] = CONFIG,
) -> None:
    """Write config.json from the stack's outputs.

    Workspace.from_config() reads it.
    """
    from model_eval import workspace_config

    text = outputs.read() if outputs else workspace_config.stack_outputs()
    workspace_config.write(text, out)
    typer.echo(f"{out}")


@app.command()
@one_line_errors
def info(config: ConfigOption = CONFIG, limit: LimitOption = 60, sdk: SdkOption = None) -> None:
    """Print the SDK's version and the workspace."""
    from model_eval.registry import Registry

    for name, value in Registry.connect(config, limit, sdk).info().items():
        typer.echo(f"{name}: {value}")


@app.command(name="list")
@one_line_errors
def list_models(
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only models of this name.")
    ] = None,
    config: ConfigOption = CONFIG,
    limit: LimitOption = 60,
    sdk: SdkOption = None,
    json: JsonOption = None,
) -> None:
    """List the workspace's models, newest first."""
    from model_eval.registry import Registry

    found = Registry.connect(config, limit, sdk).list(name)
    for each in found:
        typer.echo(f"{each.name} {each.version}, sha256 {each.sha256 or 'not recorded'}")
    if not found:
        typer.echo("no models")
    if json:
        models = [{"name": e.name, "version": e.version, "sha256": e.sha256} for e in found]
        write_json(json, {"models": models})


@app.command()
@one_line_errors
def register(
    model: ModelOption = DEFAULT_MODEL,
    report: Annotated[
        Path, typer.Option(metavar="FILE", help="The report of the model's validation.")
    ] = OUT / "report.json",
    data: DataOption = None,
    min_accuracy: Annotated[
        float, typer.Option(min=0, max=1, metavar="0..1", help="The gate.")
    ] = 0.9,
    retrieve_to: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Then download what the workspace holds to this directory: new, empty, or an"
            " earlier retrieved model, which is replaced.",
        ),
    ] = None,
    config: ConfigOption = CONFIG,
    limit: LimitOption = 120,
    sdk: SdkOption = None,
    json: JsonOption = None,
) -> None:
    """Register a model that passed the gate.

    The same bytes again are no new version.
    """
    from model_eval import dataset, workspace_config
    from model_eval.evidence import Evidence
    from model_eval.registry import RESULT as RETRIEVED
    from model_eval.registry import Registry
    from scoring.manifest import Manifest

    if retrieve_to:
        check_folder(retrieve_to, RETRIEVED)
    evidence = Evidence.read(report, dataset.md5_of_files(data), min_accuracy)
    evidence.check(Manifest.read(model))
    registry = Registry.connect(config, limit, sdk)
    done = registry.register(model, evidence, workspace_config.git_commit())
    verb = "registered" if done.created else "already registered"
    typer.echo(f"{verb}: {done.name} {done.version}, sha256 {done.sha256}")
    if retrieve_to:
        registry.retrieve(done.name, done.version, retrieve_to)
        typer.echo(f"retrieved to {retrieve_to}")
    if json:
        keys = ("name", "version", "sha256", "created")
        write_json(json, {key: getattr(done, key) for key in keys})


@app.command()
@one_line_errors
def retrieve(
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="Model directory: new, empty, or an earlier retrieved model, which is replaced.",
        ),
    ],
    name: Annotated[str, typer.Option(metavar="NAME", help="The model's name.")] = "sklearn_mnist",
    version: Annotated[
        str, typer.Option(metavar="VERSION", help="A number, or latest.")
    ] = "latest",
    config: ConfigOption = CONFIG,
    limit: LimitOption = 120,
    sdk: SdkOption = None,
) -> None:
    """Download a registered model, and check it.

    Its bytes must have the registered SHA-256.
    """
    number = None
    if version != "latest":
        if not (version.isascii() and version.isdecimal() and 0 < int(version[:10]) < 10**9):
            raise typer.BadParameter("a number from 1, or latest", param_hint="--version")
        number = int(version)
    from model_eval.registry import Registry

    got = Registry.connect(config, limit, sdk).retrieve(name, number, out)
    found, size = got.model, got.pickle.stat().st_size
    digest = found.sha256 or "not recorded"
    typer.echo(f"{found.name} {found.version}, sha256 {digest}, {size} bytes: {got.pickle}")
    if got.bare:
        typer.echo(
            "It was registered without a manifest; write one, if you trust it: "
            f"python -m model_eval manifest {shlex.quote(str(got.pickle))} --data FILE"
            f" --name {found.name}"
        )


if __name__ == "__main__":
    with packages_of(LOCK):
        app(prog_name="python -m model_eval")
