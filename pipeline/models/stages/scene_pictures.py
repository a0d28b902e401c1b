"""The stage of ``render_scenes`` that draws the pictures of its generated scenes, as ``generate`` draws pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from darkroom.contract.errors import DarkroomError
from darkroom.contract.params import Aspect, GenerateParams
from darkroom.contract.video_params import GeneratedScene, RenderScenesParams
from pipeline.core.stages import Artifact, Slot, Stage, Work
from pipeline.imaging.codec import decode, save_png
from pipeline.models.network_registry import PICTURE_DECODER, PICTURE_WORDS, SAFETY
from pipeline.models.stages.prompt_encoding import Compose
from pipeline.models.stages.safety_check import SAFE, Screen
from pipeline.models.stages.text_to_image import RECIPES, Draw
from pipeline.scenes.clip import naming
from pipeline.scenes.intermediate_files import once, part_name

IMAGINED: Artifact[Mapping[int, Path]] = Artifact(
    "imagined", "the picture of each generated scene, by scene from 0: a PNG that may be shown"
)
# The stages that make a picture of words, with the share of the time that each takes.
STEPS: tuple[tuple[Stage, float], ...] = ((Compose(), 0.05), (Draw(), 0.9), (Screen(), 0.05))


class Imagine(Stage):
    """Draw the picture of every generated scene, unless an earlier attempt did; none that must not be shown."""

    name = "imagine"
    message = "Drawing the pictures"
    slot = Slot.COMPUTE
    provides = (IMAGINED,)
    networks = tuple(dict.fromkeys(network for stage, _ in STEPS for network in stage.networks))

    def run(self, work: Work) -> None:
        """Raises ``DarkroomError`` as ``generate`` does (``rejected_content``, …), naming the scene."""
        params = work.params_as(RenderScenesParams)
        wanted = {index: scene for index, scene in enumerate(params.scenes) if isinstance(scene, GeneratedScene)}
        imagined = {}
        for done, (index, scene) in enumerate(wanted.items()):
            with naming(index + 1, scene):
                imagined[index] = _picture(work, scene, index + 1, (done, len(wanted)))
        work[IMAGINED] = imagined


def params_of(scene: GeneratedScene, params: RenderScenesParams) -> GenerateParams:
    """What ``generate`` would be asked for: one picture of the video's shape, in a few large steps."""
    return GenerateParams(prompt=scene.prompt, style=scene.style, aspect=Aspect(params.aspect.value), seed=params.seed)


def _picture(work: Work, scene: GeneratedScene, number: int, part: tuple[int, int]) -> Path:
    assert work.models is not None
    wanted = params_of(scene, work.params_as(RenderScenesParams))
    networks = (PICTURE_WORDS, RECIPES[wanted.profile].unet, PICTURE_DECODER, SAFETY)
    # Also of a picture that an earlier attempt drew.
    work.models_used |= dict.fromkeys(work.models.used(networks))
    decides = {"params": wanted.model_dump(mode="json"), "networks": work.models.digest(networks)}
    path = work.folder / f"scene-{number}.png"

    def draw(path: Path) -> Sequence[str]:
        return _draw(work, wanted, path, number, part)

    notes = once(work.intermediates, part_name("picture", decides, ".png"), path, draw, _whole)
    work.notes.extend(f"Scene {number}: {note}" for note in notes)
    return path


def _draw(work: Work, wanted: GenerateParams, path: Path, number: int, part: tuple[int, int]) -> Sequence[str]:
    done, count = part
    inner = Work(wanted, {}, work.folder, models=work.models, show=work.show)
    before = 0.0
    for stage, share in STEPS:

        def report(fraction: float, message: str = "", before: float = before, share: float = share) -> None:
            work.report((done + before + share * fraction) / count, f"Scene {number}: {message}" if message else "")

        inner.enter(stage, report)
        report(0.0, stage.message)
        stage.run(inner)
        before += share
    inner.enter(None)
    save_png(inner[SAFE][0].picture, None, path, on_write=lambda: work.report((done + before) / count))
    return inner.notes


def _whole(path: Path) -> bool:
    try:
        decode(path)
    except DarkroomError:
        return False
    return True
