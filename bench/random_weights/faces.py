"""ONNX graphs with the inputs and outputs of InsightFace's: faces are red squares, identities are colours.

There is no full-size version: the architectures are not reimplemented here, and others would measure something else.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from bench.random_weights import Scale, Writer
from pipeline.weights.catalog import Model

OPSET, IR_VERSION = 17, 8
DETECTED_STRIDE = 32  # of SCRFD's three strides: at 640 pixels a side, a red square of some 40 is one face
# A face around the middle of a cell, in cells: its box's distances to the left, top, right and bottom; its points.
BOX = (1.4, 1.6, 1.4, 1.8)
POINTS = ((-0.7, -0.5), (0.7, -0.5), (0.0, 0.2), (-0.5, 0.9), (0.5, 0.9))
IDENTITY = 512


def _write_analysis(folder: Path, model: Model, scale: Scale) -> None:
    del scale
    detector, recogniser = (folder / file for file in model.files)
    detector.parent.mkdir(parents=True, exist_ok=True)
    _save(_detector(), detector)
    _save(_recogniser(), recogniser)


def _write_swapper(folder: Path, model: Model, scale: Scale) -> None:
    del scale
    _save(_swapper(), folder / model.files[0])


def _detector() -> ModelProto:
    """Build a detector like SCRFD with points: per stride scores (N, 1), boxes (N, 4) and points (N, 10).

    It has two anchors a cell. The second anchor and the finer strides detect nothing.
    """
    nodes: list[NodeProto] = []
    initializers: list[TensorProto] = []
    outputs: dict[str, list[ValueInfoProto]] = {"score": [], "box": [], "points": []}
    red = _constant(initializers, "red", np.array([1, -0.5, -0.5], np.float32).reshape(1, 3, 1, 1))
    nodes.append(helper.make_node("Conv", ["input.1", red], ["redness"]))
    for stride in (8, 16, 32):
        pooled = f"cells_{stride}"
        nodes.append(
            helper.make_node("AveragePool", ["redness"], [pooled], kernel_shape=[stride] * 2, strides=[stride] * 2)
        )
        # The pooled redness is 2 for a full cell and 0 for grey: the sigmoid's threshold lies in between.
        steep = 8.0 if stride == DETECTED_STRIDE else 0.0
        heads = {
            "score": ([steep, 0.0], [-8.0 if steep else -20.0, -20.0]),
            "box": ([0.0] * 8, [distance + side * 0.5 for distance, side in zip(BOX, (-1, -1, 1, 1), strict=True)] * 2),
            "points": ([0.0] * 20, [share + 0.5 for point in POINTS for share in point] * 2),
        }
        for head, (weight, bias) in heads.items():
            name, width = f"{head}_{stride}", len(bias) // 2
            kernel = _constant(initializers, f"{name}.weight", np.array(weight, np.float32).reshape(-1, 1, 1, 1))
            shift = _constant(initializers, f"{name}.bias", np.array(bias, np.float32))
            shape = _constant(initializers, f"{name}.shape", np.array([-1, width], np.int64))
            nodes.append(helper.make_node("Conv", [pooled, kernel, shift], [f"{name}.map"]))
            squashed = f"{name}.map"
            if head == "score":
                squashed = f"{name}.probability"
                nodes.append(helper.make_node("Sigmoid", [f"{name}.map"], [squashed]))
            nodes.append(helper.make_node("Transpose", [squashed], [f"{name}.last"], perm=[0, 2, 3, 1]))
            nodes.append(helper.make_node("Reshape", [f"{name}.last", shape], [name]))
            outputs[head].append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, width]))
    inputs = helper.make_tensor_value_info("input.1", TensorProto.FLOAT, [1, 3, "height", "width"])
    return _model(nodes, [inputs], [output for head in outputs.values() for output in head], initializers)


def _recogniser() -> ModelProto:
    """Build a recogniser like ArcFace: N×3×112×112 in, N×512 out, from the means of 49 patches."""
    rng = np.random.default_rng(0)
    initializers: list[TensorProto] = []
    weight = _constant(initializers, "weight", rng.normal(0, 0.1, (IDENTITY, 3 * 49)).astype(np.float32))
    bias = _constant(initializers, "bias", rng.normal(0, 0.1, IDENTITY).astype(np.float32))
    nodes = [
        helper.make_node("AveragePool", ["input.1"], ["patches"], kernel_shape=[16, 16], strides=[16, 16]),
        helper.make_node("Flatten", ["patches"], ["flat"]),
        helper.make_node("Gemm", ["flat", weight, bias], ["683"], transB=1),
    ]
    inputs = helper.make_tensor_value_info("input.1", TensorProto.FLOAT, ["batch", 3, 112, 112])
    output = helper.make_tensor_value_info("683", TensorProto.FLOAT, ["batch", IDENTITY])
    return _model(nodes, [inputs], [output], initializers)


def _swapper() -> ModelProto:
    """Build a swapper like inswapper: recolours the target with the source's colour.

    Inputs are ``target`` 1×3×128×128 and ``source`` 1×512. The last initializer is the matrix that the caller
    multiplies identities by.
    """
    rng = np.random.default_rng(1)
    initializers: list[TensorProto] = []
    weight = _constant(initializers, "weight", rng.normal(0, 2, (IDENTITY, 3)).astype(np.float32))
    shape = _constant(initializers, "shape", np.array([1, 3, 1, 1], np.int64))
    kept = _constant(initializers, "kept", np.array(0.4, np.float32))
    tinted = _constant(initializers, "tinted", np.array(0.6, np.float32))
    _constant(initializers, "emap", rng.normal(0, 0.05, (IDENTITY, IDENTITY)).astype(np.float32))
    nodes = [
        helper.make_node("MatMul", ["source", weight], ["tint"]),
        helper.make_node("Sigmoid", ["tint"], ["colour"]),
        helper.make_node("Reshape", ["colour", shape], ["plane"]),
        helper.make_node("Mul", ["plane", tinted], ["paint"]),
        helper.make_node("Mul", ["target", kept], ["faint"]),
        helper.make_node("Add", ["faint", "paint"], ["output"]),
    ]
    inputs = [
        helper.make_tensor_value_info("target", TensorProto.FLOAT, [1, 3, 128, 128]),
        helper.make_tensor_value_info("source", TensorProto.FLOAT, [1, IDENTITY]),
    ]
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 3, 128, 128])
    return _model(nodes, inputs, [output], initializers)


def _constant(initializers: list[TensorProto], name: str, value: NDArray[Any]) -> str:
    initializers.append(numpy_helper.from_array(value, name))
    return name


def _model(
    nodes: Sequence[NodeProto],
    inputs: Sequence[ValueInfoProto],
    outputs: Sequence[ValueInfoProto],
    initializers: Sequence[TensorProto],
) -> ModelProto:
    graph = helper.make_graph(nodes, "darkroom", inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


def _save(model: ModelProto, file: Path) -> None:
    onnx.checker.check_model(model)
    onnx.save(model, str(file))


WRITERS: dict[str, Writer] = {"face_analysis": _write_analysis, "face_swapper": _write_swapper}
