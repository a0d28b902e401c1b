"""Face networks of InsightFace on ONNX Runtime: SCRFD (detection), ArcFace (recognition) and inswapper (swapping).

The package's classes run SCRFD and ArcFace, without downloads. Alignment is ours, as the package's samples without
filtering. inswapper runs without the package's class, which prints to standard output.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.core.arrays import Rgb
from pipeline.imaging.faces import Face, from_the_left, landmarks_enclose_area, similarity_transform, warped
from pipeline.models.interfaces import DETECTION_SIDE
from pipeline.models.letterbox import downscaled_to
from pipeline.models.offload.cuda_libraries import ONNX_RUNTIME, preload
from pipeline.models.offload.device import Placement
from pipeline.models.offload.runtimes import OnnxNetwork
from pipeline.weights.store import Weights

Floats = NDArray[np.float32]

logger = logging.getLogger(__name__)

MIN_SCORE = 0.5  # InsightFace's default
CLOSE_UP_SIZE = (128, 128)  # SCRFD's first input size, for large faces; ``DETECTION_SIDE`` is for small ones
LONG_SIDE = 1280  # larger pictures are reduced to this first, as SCRFD's own reduction does not filter
ARCFACE_SIDE = 112  # side of ArcFace's input
INSWAPPER_SIDE = 128  # side of inswapper's input and output
EMBEDDING_LENGTH = 512  # length of an identity embedding
# Positions of the five landmarks in ArcFace's input (Deng et al. 2019; the package's alignment).
TEMPLATE: Floats = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)], np.float32
)
SHIFT: Floats = np.array(
    ((INSWAPPER_SIDE - ARCFACE_SIDE) / 2, 0), np.float32
)  # inswapper uses the same positions, with a margin at the sides


@dataclass(frozen=True)
class _Analysis:
    """Sessions of the detector and the recogniser, which are moved together."""

    detector: Any
    recogniser: Any
    provider: str


class InsightFaceAnalyser(OnnxNetwork[_Analysis]):
    """Implements ``FaceAnalyser``: SCRFD (Guo et al. 2021) detects faces and landmarks, ArcFace (Deng et al. 2019)
    computes identity embeddings."""

    def __init__(self, placement: Placement, detector: Path, recogniser: Path) -> None:
        super().__init__(placement, detector, lambda file, providers: _load_analysis(file, recogniser, providers))
        self._size = detector.stat().st_size + recogniser.stat().st_size

    def analyse(self, photo: Rgb, detection_side: int = DETECTION_SIDE) -> Sequence[Face]:
        """Detect the faces of H×W×3 uint8 sRGB, each with its identity embedding, from the left.

        Raises ``FloatingPointError`` if an embedding is not finite.
        """
        height, width = photo.shape[:2]
        gain = min(LONG_SIDE / max(height, width), 1.0)
        small = downscaled_to(photo, max(round(height * gain), 1), max(round(width * gain), 1))
        across, down = width / small.shape[1], height / small.shape[0]
        boxes, points = self.session.detector.detect(
            np.ascontiguousarray(small[..., ::-1]), input_size=[CLOSE_UP_SIZE, (detection_side, detection_side)]
        )
        faces = []
        for row, landmarks in zip(boxes, points, strict=True):
            left, top, right, bottom = (float(edge) for edge in row[:4])
            box = (
                max(left * across, 0.0),
                max(top * down, 0.0),
                min(right * across, float(width)),
                min(bottom * down, float(height)),
            )
            face = Face(box, np.asarray(landmarks * (across, down), np.float32), float(row[4]))
            if (
                not np.isfinite(landmarks).all()
                or not landmarks_enclose_area(face.landmarks)
                or box[2] - box[0] < 1
                or box[3] - box[1] < 1
            ):
                continue
            faces.append(replace(face, embedding=self._identity(photo, face)))
        return from_the_left(faces)

    def _identity(self, photo: Rgb, face: Face) -> Floats:
        """Compute the identity embedding: 512 float32, normalised to length 1."""
        upright, _ = warped(photo, similarity_transform(face.landmarks, TEMPLATE), ARCFACE_SIDE, ARCFACE_SIDE)
        features = _finite(self.session.recogniser.get_feat(np.ascontiguousarray(upright[..., ::-1])).ravel())
        return np.asarray(features / (np.linalg.norm(features) + 1e-9), np.float32)


@dataclass(frozen=True)
class _Swapping:
    """A session, the names of its inputs (picture, features), and the matrix applied to identities first."""

    session: Any
    inputs: tuple[str, str]
    matrix: Floats
    provider: str


class InSwapper(OnnxNetwork[_Swapping]):
    """Implements ``FaceSwapper`` with InsightFace's inswapper: 128×128 pixels, conditioned on ArcFace's features."""

    def __init__(self, placement: Placement, file: Path) -> None:
        super().__init__(placement, file, _load_swapping)

    def swap(self, photo: Rgb, face: Face, identity: Floats) -> tuple[Rgb, Floats]:
        """Render ``identity`` in place of ``face``: 128×128×3 uint8 sRGB, and the transform from the photo's pixels."""
        transform = similarity_transform(face.landmarks, TEMPLATE + SHIFT)
        aligned, _ = warped(photo, transform, INSWAPPER_SIDE, INSWAPPER_SIDE)
        features = identity[None] @ self.session.matrix
        features /= np.linalg.norm(features) + 1e-9
        inputs = (aligned.transpose(2, 0, 1)[None].astype(np.float32) / 255, features.astype(np.float32))
        (swapped,) = self.session.session.run(None, dict(zip(self.session.inputs, inputs, strict=True)))
        picture = (np.clip(_finite(swapped)[0].transpose(1, 2, 0), 0, 1) * 255).round().astype(np.uint8)
        return np.ascontiguousarray(picture), transform


def _finite(output: Floats) -> Floats:
    """Return an output. Raises ``FloatingPointError`` if it is not finite; it was computed in single precision."""
    if not np.isfinite(output).all():
        raise FloatingPointError("a network of faces gave numbers that are not finite")
    return output


def load_analyser(weights: Mapping[str, Weights], placement: Placement) -> InsightFaceAnalyser:
    """Load the role ``face_analysis``: the detector's file, then the recogniser's."""
    model_weights = weights["face_analysis"]
    detector, recogniser = (model_weights.folder / file for file in model_weights.model.files)
    return InsightFaceAnalyser(placement, detector, recogniser)


def load_swapper(weights: Mapping[str, Weights], placement: Placement) -> InSwapper:
    """Load the role ``face_swapper``: one file."""
    model_weights = weights["face_swapper"]
    return InSwapper(placement, model_weights.folder / model_weights.model.files[0])


def _load_analysis(detector: Path, recogniser: Path, providers: Sequence[str]) -> _Analysis:
    model_zoo = _import_insightface()
    scrfd = model_zoo.SCRFD(model_file=str(detector), session=_session(detector, providers))
    scrfd.prepare(0, det_thresh=MIN_SCORE)
    if not scrfd.use_kps:
        raise _load_error(detector, "it is no detector with five points")
    arcface = model_zoo.ArcFaceONNX(model_file=str(recogniser), session=_session(recogniser, providers))
    return _Analysis(scrfd, arcface, scrfd.session.get_providers()[0])


def _load_swapping(file: Path, providers: Sequence[str]) -> _Swapping:
    _import_insightface()
    session = _session(file, providers)
    # A session does not expose its constants, of which the matrix is the last.
    onnx = import_module("onnx")
    matrix = onnx.numpy_helper.to_array(onnx.load(str(file)).graph.initializer[-1])
    names = tuple(each.name for each in session.get_inputs())
    if len(names) != 2 or matrix.shape != (EMBEDDING_LENGTH, EMBEDDING_LENGTH):
        raise _load_error(file, "it is not inswapper")
    return _Swapping(session, (names[0], names[1]), matrix, session.get_providers()[0])


def _session(file: Path, providers: Sequence[str]) -> Any:
    """Create a session that computes by the first of ``providers``, or by another of them, which is logged.

    ONNX Runtime itself goes on with the CPU if a provider cannot be loaded, and names it as available all the same.
    Raises ``DarkroomError`` (``engine_unavailable``) if the file cannot be read, or if it would be computed otherwise.
    """
    runtime = import_module("onnxruntime")
    available = runtime.get_available_providers()
    if "CUDAExecutionProvider" in providers:
        preload(ONNX_RUNTIME)
    options = runtime.SessionOptions()
    options.log_severity_level = 3  # errors only: every session warns of inswapper's unused matrix
    try:
        session = runtime.InferenceSession(
            str(file), options, providers=[each for each in providers if each in available]
        )
    except Exception as error:
        # ONNX Runtime's errors have no common base class but Exception. All mean a bad file here.
        if type(error).__module__.startswith("onnxruntime"):
            raise _load_error(file, "ONNX Runtime cannot read it") from error
        raise
    actual = session.get_providers()[0]
    if actual != providers[0]:
        why = f"ONNX Runtime would compute it by {actual}, as {providers[0]} cannot be loaded here"
        if actual not in providers:
            raise _load_error(file, f"{why}: it needs onnxruntime-gpu and the libraries of requirements-container.lock")
        logger.warning("%s: %s", file.name, why)
    return session


def _import_insightface() -> Any:
    """Import InsightFace. Raises ``DarkroomError`` (``engine_unavailable``) if it or ONNX Runtime is not installed."""
    if find_spec("insightface") is None or find_spec("onnxruntime") is None:
        raise DarkroomError(
            ErrorCode.ENGINE_UNAVAILABLE,
            "Swapping faces by networks needs insightface and onnxruntime: pip install 'darkroom-sdk[faces]'.",
        )
    return import_module("insightface.model_zoo.model_zoo")


def _load_error(file: Path, why: str) -> DarkroomError:
    return DarkroomError(ErrorCode.ENGINE_UNAVAILABLE, f"{file.name} was not loaded: {why}.")
