"""``restyle_room`` on the models engine: see the room, then paint it anew under its own depth and edges."""

from pipeline.artifacts import OBJECTS, QUALITY, ROOM, SAVED, SEED
from pipeline.engine import Engine
from pipeline.files import LoadPhoto, SaveResult
from pipeline.models.classify import Classify
from pipeline.models.depth import EstimateDepth
from pipeline.models.detect import Detect
from pipeline.models.diffuse import Diffuse
from pipeline.models.edges import FindEdges
from pipeline.models.finish import Finish
from pipeline.models.keep import Keep
from pipeline.models.segment import Segment
from pipeline.models.validate import Validate
from pipeline.requests import Kind
from pipeline.stages import Plan


def plan() -> Plan:
    """The stages, with the share of progress that each takes."""
    steps = (
        (LoadPhoto(), 0.03),
        (Detect(), 0.07),
        (Segment(), 0.08),
        (Keep(), 0.02),
        (Classify(), 0.05),
        (EstimateDepth(), 0.1),
        (FindEdges(), 0.03),
        (Diffuse(), 0.5),
        (Validate(), 0.07),
        (Finish(), 0.02),
        (SaveResult(), 0.03),
    )
    return Plan(Kind.RESTYLE_ROOM, Engine.MODELS, steps, results=(SAVED, QUALITY, ROOM, OBJECTS, SEED))
