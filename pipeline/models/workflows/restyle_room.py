"""``restyle_room`` on the models engine: analyses the photo, then runs diffusion conditioned on its depth and edges."""

from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from pipeline.core.artifacts import OBJECTS, QUALITY, ROOM, SAVED, SEED
from pipeline.core.stages import Plan
from pipeline.imaging.load_save import LoadPhoto, SaveResult
from pipeline.models.stages.classify_room import Classify
from pipeline.models.stages.composite_kept import CompositeKept
from pipeline.models.stages.depth import EstimateDepth
from pipeline.models.stages.detect import Detect
from pipeline.models.stages.diffuse import Diffuse
from pipeline.models.stages.edges import FindEdges
from pipeline.models.stages.keep import BuildKeepMask
from pipeline.models.stages.segment import Segment
from pipeline.models.stages.validate import Validate


def plan() -> Plan:
    """Build the plan."""
    steps = (
        (LoadPhoto(), 0.03),
        (Detect(), 0.07),
        (Segment(), 0.08),
        (BuildKeepMask(), 0.02),
        (Classify(), 0.05),
        (EstimateDepth(), 0.1),
        (FindEdges(), 0.03),
        (Diffuse(), 0.5),
        (Validate(), 0.07),
        (CompositeKept(), 0.02),
        (SaveResult(), 0.03),
    )
    return Plan(Kind.RESTYLE_ROOM, Engine.MODELS, steps, results=(SAVED, QUALITY, ROOM, OBJECTS, SEED))
