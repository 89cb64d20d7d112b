"""Inference with an ONNX model: one thread, preallocated buffers, one row or several at once."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from infra.errors import TickhouseError
from signals.errors import SignalCode

if TYPE_CHECKING:
    import onnxruntime

MAX_ROWS = 256


class Predictor:
    """A regression model, or the probability of the upper class less one half of a binary classifier.

    The answer to a row does not depend on the rows beside it: with one thread onnxruntime takes the rows
    of a batch one after the other (with two it does not, hence the one).
    """

    def __init__(self, model: bytes, features: int, *, sha256: str = "") -> None:
        """From the model file's bytes; MODEL_CHANGED where they are not those of `sha256`."""
        import onnxruntime

        found = hashlib.sha256(model).hexdigest()
        if sha256 and found != sha256:
            raise TickhouseError(SignalCode.MODEL_CHANGED, wanted=sha256, found=found)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        entry = self._session.get_inputs()[0]
        if entry.shape[-1] != features:
            raise TickhouseError(SignalCode.MODEL_SHAPE, input=entry.shape, features=features)
        outputs = self._session.get_outputs()
        self._binary = len(outputs) > 1
        output = outputs[-1]
        if output.type != "tensor(float)":
            raise TickhouseError(SignalCode.MODEL_SHAPE, output=output.type, features=features)
        self._columns = 2 if self._binary else 1
        self._rows = np.zeros((MAX_ROWS, features), dtype=np.float32)
        self._out = np.zeros((MAX_ROWS, self._columns), dtype=np.float32)
        self._input, self._output = entry.name, output.name
        self._bindings: dict[int, onnxruntime.IOBinding] = {}
        self.features = features

    def predict(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """One number a row, up to 256 rows."""
        count = rows.shape[0]
        self._rows[:count] = rows
        self._session.run_with_iobinding(self._bindings.get(count) or self._bind(count))
        out = self._out[:count, -1].astype(np.float64)
        return out - 0.5 if self._binary else out

    def _bind(self, count: int) -> onnxruntime.IOBinding:
        binding = self._session.io_binding()
        shape_in, shape_out = (count, self.features), (count, self._columns)
        binding.bind_input(self._input, "cpu", 0, np.float32, shape_in, self._rows.ctypes.data)
        binding.bind_output(self._output, "cpu", 0, np.float32, shape_out, self._out.ctypes.data)
        self._bindings[count] = binding
        return binding
