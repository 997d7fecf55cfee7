"""The best model of a sweep in MLflow's model registry, and a model by its MLflow URI.

A registered model is a folder with MLflow's own description (`MLmodel`) and a run's config.json and
model.safetensors. MLflow loads it through this module's `_load_pyfunc`; nothing is pickled.
"""

import os
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from sweeps.run_store import Store, run_key
from sweeps.tracking.mlflow.database import DATABASE, connect, tracking_uri
from sweeps.tracking.mlflow.runs import TrackedRun
from sweeps.tracking.redact import redact
from trainer.errors import UserError
from trainer.models import Model
from trainer.models import load_model as load_folder
from trainer.run_files import CONFIG_FILE, MODEL_FILE

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.models import ModelSignature

ALIAS = "best"  # models:/<sweep>@best is the currently best model
FOLDER = "model"  # of a run's artifacts
FILES = "data/run"  # below that, where MLflow puts the run's files
EXAMPLES = 2  # images in the input example, sampled from the model itself
RUN = "run"  # the tag of a version or run with the id of its run in the store
PACKAGES = ("torch", "numpy", "safetensors", "PyYAML")  # that loading a model needs


def register(
    client: "MlflowClient", name: str, run: str, folder: Path, known: TrackedRun, about: str
) -> None:
    """Makes a run the best version of the registered model `name`.

    run: its id in the store; folder: its files; known: its run in MLflow, among whose artifacts the
    model will be; about: its description in the registry. A run that is already a version is not
    registered again, only marked as the best again. Raises whatever MLflow raises.
    """
    versions = client.search_model_versions(f"name = '{name}'")
    number = next((v.version for v in versions if v.tags.get(RUN) == run), None)
    if number is None:
        if not client.search_registered_models(f"name = '{name}'"):
            client.create_registered_model(name, description=about)
        _log_model(client, folder, known.id)
        number = client.create_model_version(
            name, f"{known.artifacts}/{FOLDER}", known.id, tags={RUN: run}, description=about
        ).version
    client.update_registered_model(name, about)
    client.set_registered_model_alias(name, ALIAS, number)


def load_model(
    source: str | Path, store: str | Path | Store = "store", device: torch.device | str = "cpu"
) -> Model:
    """A trained model: `source` is a run's folder, `runs:/<id>` or `models:/<name>/<version>`.

    `models:/<name>@best` is the best model of the sweep `name`. URIs are MLflow's, resolved at
    `$MLFLOW_TRACKING_URI` if set, else in the database of `store`. The files of a run come from
    `store` if it has them, else from MLflow.
    Raises UserError for a folder without a trained model, and for a URI that MLflow does not know.

        means, variances = load_model("models:/quickstart@best").encode(images)
    """
    text = str(source)
    if not text.startswith(("runs:/", "models:/")):
        return load_folder(source, device)
    store = store if isinstance(store, Store) else Store(store)
    if tracking_uri() is None and not store.path(DATABASE).exists():
        problem = "has no MLflow runs yet; `sweep run` and `sweep sync` write them"
        raise UserError(f"{text}: the store {store.location} {problem}")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    from mlflow import MlflowException
    from mlflow.artifacts import download_artifacts

    client = connect(store)
    kept = _in_store(client, text, store)
    if kept is not None:
        return load_folder(kept, device)
    with tempfile.TemporaryDirectory() as place:
        try:
            folder = _folder_of(client, text)
            for name in (CONFIG_FILE, MODEL_FILE):
                found = download_artifacts(
                    f"{folder}/{name}", dst_path=place, tracking_uri=client.tracking_uri
                )
        except (MlflowException, OSError) as error:
            reason = redact(str(error).splitlines()[0])
            raise UserError(f"{text}: MLflow has no such model: {reason}") from None
        return load_folder(Path(found).parent, device)


def _in_store(client: "MlflowClient", uri: str, store: Store) -> Path | None:
    """The local folder of the URI's run with its model; None if the store has none."""
    from mlflow import MlflowException

    try:
        run = _tags_of(client, uri).get(RUN)
    except MlflowException:
        return None
    if run is None or not store.exists(f"{run_key(run)}/{MODEL_FILE}"):
        return None
    for name in (CONFIG_FILE, MODEL_FILE):
        store.local(f"{run_key(run)}/{name}")
    return store.run_folder(run)


def _tags_of(client: "MlflowClient", uri: str) -> dict[str, str]:
    """The tags of a run or of a model's version. Raises MlflowException."""
    if uri.startswith("runs:/"):
        mlflow_run, *rest = uri.removeprefix("runs:/").split("/")
        return {} if any(rest) else dict(client.get_run(mlflow_run).data.tags)
    return dict(client.get_model_version(*_version_of(client, uri)).tags)


def _folder_of(client: "MlflowClient", uri: str) -> str:
    """The URI of the artifacts with a model's files; MLflow's own function uses global state."""
    if uri.startswith("runs:/"):
        return uri.rstrip("/")
    return f"{client.get_model_version_download_uri(*_version_of(client, uri))}/{FILES}"


def _version_of(client: "MlflowClient", uri: str) -> tuple[str, str]:
    """The name of a registered model, and the version in the URI."""
    name, at, alias = uri.removeprefix("models:/").partition("@")
    if at:
        return name, str(client.get_model_version_by_alias(name, alias).version)
    name, _, version = name.partition("/")
    return name, version


class Served:
    """The result of `mlflow.pyfunc.load_model`: `predict`, and `get_raw_model()` for the rest."""

    def __init__(self, model: Model):
        self._model = model

    def predict(self, images: ArrayLike) -> NDArray[Any]:
        """Means of q(z|x), (n, M), of images (n, C, H, W) as for `Model.encode`."""
        return self._model.encode(images)[0]

    def get_raw_model(self) -> Model:
        """The model itself, with `encode`, `decode`, `traverse` and `sample`."""
        return self._model


def _load_pyfunc(path: str) -> Served:
    """MLflow's entry point to a registered model."""
    return Served(load_folder(path))


def _log_model(client: "MlflowClient", folder: Path, mlflow_run: str) -> None:
    """Writes the model in MLflow's format to the artifacts of its run."""
    from mlflow import pyfunc

    model = load_folder(folder)
    with tempfile.TemporaryDirectory() as place:
        data = Path(place, Path(FILES).name)
        data.mkdir()
        for name in (CONFIG_FILE, MODEL_FILE):
            (data / name).symlink_to((folder / name).absolute())
        pyfunc.save_model(
            Path(place, FOLDER),
            loader_module=__name__,
            data_path=str(data),
            signature=_signature(model),
            input_example=model.sample(EXAMPLES),
            pip_requirements=_requirements(),
        )
        client.log_artifacts(mlflow_run, str(Path(place, FOLDER)), FOLDER)


def _signature(model: Model) -> "ModelSignature":
    """Images in [0, 1] in, means of latents out; any number of them."""
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    single = np.dtype(np.float32)
    return ModelSignature(
        Schema([TensorSpec(single, (-1, *model.shape))]),
        Schema([TensorSpec(single, (-1, model.latents))]),
    )


def _requirements() -> list[str]:
    """The packages needed to load a model, with the versions it was made with."""
    found = []
    for package in (*PACKAGES, "beta-sweep"):
        try:
            found.append(f"{package}=={version(package)}")
        except PackageNotFoundError:
            continue
    return found
