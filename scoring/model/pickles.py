"""Read a linear model's coefficients out of a pickle without importing scikit-learn.

That import takes 0.7 s and 120 MB, which a matrix product does not need.
Coefficients alone do not say how a version computes: before 1.8, LogisticRegression normalised a
logistic for each class with `multi_class="ovr"` and liblinear, where today it takes a softmax. So
only pickles of the installed scikit-learn are read, and of versions whose arithmetic linear.py has.
The reader makes no object of any class but the few listed here: estimators become plain holders of
their attributes. Whatever it does not know makes it give up, and the general path takes over.
"""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ARITHMETIC = ("1.9",)
"""Versions of scikit-learn, without the patch level, that linear.py answers like."""


@dataclass(frozen=True, slots=True)
class LinearParts:
    """A linear model: `coefficients` (outputs, features), `intercepts` (outputs,), and its kind.

    `classes` is None for a regressor, whose coefficients are (features,). `separate` says that each
    output is an estimator of its own (one-versus-rest), which decides how scikit-learn rounds.
    """

    coefficients: NDArray[np.float64]
    intercepts: NDArray[np.float64]
    classes: NDArray[Any] | None
    probabilities: str  # "none", "logistic" (an output by itself) or "softmax"
    separate: bool = False


class _Holder:
    """Stands for an instance of a scikit-learn class: its state, and nothing that it does."""

    kind = ""
    coef_: Any
    intercept_: Any
    classes_: Any
    solver: Any

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


def _holder(name: str) -> type[_Holder]:
    return type(name, (_Holder,), {"kind": name})


class _Array(_Holder):
    """Stands for joblib's NumpyArrayWrapper, which the array's raw bytes follow in the file."""

    def read(self, file: io.BytesIO) -> NDArray[Any]:
        state = self.__dict__
        dtype, shape = np.dtype(state["dtype"]), tuple(state["shape"])
        if dtype.hasobject:
            raise _Unknown(f"array of {dtype}")
        if state.get("numpy_array_alignment_bytes") is not None:
            file.seek(int.from_bytes(file.read(1), "little"), io.SEEK_CUR)
        count = int(np.prod(shape, dtype=np.int64))
        flat = np.frombuffer(file.read(count * dtype.itemsize), dtype=dtype, count=count)
        return flat.reshape(shape, order=state["order"]).copy()


class _Unknown(pickle.UnpicklingError):
    """The pickle holds something that is not on the list."""


_KNOWN: dict[tuple[str, str], Any] = {
    ("joblib.numpy_pickle", "NumpyArrayWrapper"): _Array,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("sklearn.multiclass", "OneVsRestClassifier"): _holder("OneVsRestClassifier"),
    ("sklearn.preprocessing._label", "LabelBinarizer"): _holder("LabelBinarizer"),
    ("sklearn.linear_model._logistic", "LogisticRegression"): _holder("LogisticRegression"),
    ("sklearn.linear_model._base", "LinearRegression"): _holder("LinearRegression"),
    ("sklearn.linear_model._ridge", "Ridge"): _holder("Ridge"),
    ("sklearn.svm._classes", "LinearSVC"): _holder("LinearSVC"),
}
for _module in ("numpy.core.multiarray", "numpy._core.multiarray"):
    _KNOWN[_module, "_reconstruct"] = np._core.multiarray._reconstruct  # pyright: ignore[reportAttributeAccessIssue]
    _KNOWN[_module, "scalar"] = np._core.multiarray.scalar  # pyright: ignore[reportAttributeAccessIssue]


class _Reader(pickle._Unpickler):
    """Python's own unpickler with a list of allowed classes, and joblib's arrays."""

    dispatch = pickle._Unpickler.dispatch.copy()

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)
        super().__init__(self._content)

    def find_class(self, module: str, name: str) -> Any:
        """Look a class up in the list only."""
        try:
            return _KNOWN[module, name]
        except KeyError:
            raise _Unknown(f"{module}.{name}") from None

    def load_build(self: Any) -> None:
        """Set an object's state; a wrapped array is replaced by the bytes that follow it."""
        pickle._Unpickler.dispatch[pickle.BUILD[0]](self)
        if isinstance(self.stack[-1], _Array):
            self.stack[-1] = self.stack[-1].read(self._content)

    dispatch[pickle.BUILD[0]] = load_build


def linear_parts(content: bytes) -> LinearParts | None:
    """The linear model in a pickle, or None where it is not one that we know to the last bit."""
    try:
        estimator = _Reader(content).load()
        return _parts(estimator)
    except (pickle.UnpicklingError, AttributeError, TypeError, ValueError, KeyError, EOFError):
        return None


def _parts(estimator: Any) -> LinearParts | None:
    if not isinstance(estimator, _Holder) or not _is_current(estimator):
        return None
    if estimator.kind == "OneVsRestClassifier":
        return _one_versus_rest(estimator)
    coefficients = np.asarray(estimator.coef_)
    intercepts = np.atleast_1d(np.asarray(estimator.intercept_))
    if coefficients.dtype != np.float64 or intercepts.dtype != np.float64:
        return None  # scikit-learn would compute in another precision
    if estimator.kind in ("LinearRegression", "Ridge"):
        if coefficients.ndim != 1:
            return None
        return LinearParts(coefficients, intercepts, None, "none")
    probabilities = "none"
    if estimator.kind == "LogisticRegression":
        probabilities = "logistic" if len(coefficients) == 1 else "softmax"
        if probabilities == "softmax" and estimator.solver == "liblinear":
            return None  # scikit-learn cannot have fitted it so
    return LinearParts(coefficients, intercepts, np.asarray(estimator.classes_), probabilities)


def _is_current(holder: Any) -> bool:
    """Whether the installed scikit-learn wrote it, in a version whose arithmetic is known."""
    written = getattr(holder, "_sklearn_version", None)
    if not isinstance(written, str) or written.rpartition(".")[0] not in _ARITHMETIC:
        return False
    try:
        return metadata.version("scikit-learn") == written
    except metadata.PackageNotFoundError:
        return False


def _one_versus_rest(estimator: Any) -> LinearParts | None:
    binarizer = estimator.label_binarizer_
    parts = [_parts(each) for each in estimator.estimators_]
    if (
        not _is_current(binarizer)
        or binarizer.y_type_ != "multiclass"
        or any(
            part is None or part.coefficients.shape[0] != 1 or part.classes is None
            for part in parts
        )
    ):
        return None
    known = [part for part in parts if part is not None]
    logistic = all(each.kind == "LogisticRegression" for each in estimator.estimators_)
    return LinearParts(
        np.concatenate([part.coefficients for part in known]),
        np.concatenate([part.intercepts for part in known]),
        np.asarray(binarizer.classes_),
        "logistic" if logistic else "none",
        separate=True,
    )
