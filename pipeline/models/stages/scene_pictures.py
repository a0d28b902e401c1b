"""Scene picture stage of ``render_scenes``: generates the pictures of its generated scenes, as ``generate`` does."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from darkroom.contract.errors import DarkroomError
from darkroom.contract.params import Aspect, GenerateParams
from darkroom.contract.scenes import GeneratedScene
from darkroom.contract.video_params import RenderScenesParams
from pipeline.core.stages import Artifact, Slot, Stage, StageContext
from pipeline.decoding.client import decode_picture
from pipeline.imaging.codec import save_png
from pipeline.models.network_registry import SAFETY, SDXL_TEXT_ENCODERS, SDXL_VAE_DECODER
from pipeline.models.stages.prompt_encoding import EncodePrompt
from pipeline.models.stages.safety_check import SAFE_PICTURES, SafetyCheck
from pipeline.models.stages.text_to_image import TEXT_TO_IMAGE_PRESETS, TextToImage
from pipeline.scenes.clip import label_scene_errors
from pipeline.scenes.intermediate_files import get_or_create, intermediate_name

SCENE_PICTURES: Artifact[Mapping[int, Path]] = Artifact(
    "imagined", "the picture of each generated scene, by scene from 0: a PNG that may be shown"
)
# The stages of text-to-image, with each one's share of the time.
GENERATE_STEPS: tuple[tuple[Stage, float], ...] = ((EncodePrompt(), 0.05), (TextToImage(), 0.9), (SafetyCheck(), 0.05))


class GenerateScenePictures(Stage):
    """Generate the picture of every generated scene, unless an earlier attempt stored it, and check its safety."""

    name = "imagine"
    message = "Drawing the pictures"
    slot = Slot.COMPUTE
    provides = (SCENE_PICTURES,)
    networks = tuple(dict.fromkeys(network for stage, _ in GENERATE_STEPS for network in stage.networks))

    def run(self, context: StageContext) -> None:
        """Generate the pictures. Raises ``DarkroomError`` as ``generate`` does, with the scene in its message."""
        params = context.params_as(RenderScenesParams)
        generated_scenes = {
            index: scene for index, scene in enumerate(params.scenes) if isinstance(scene, GeneratedScene)
        }
        pictures = {}
        for done, (index, scene) in enumerate(generated_scenes.items()):
            with label_scene_errors(index + 1, scene):
                pictures[index] = _picture(context, scene, index + 1, (done, len(generated_scenes)))
        context[SCENE_PICTURES] = pictures


def generate_params(scene: GeneratedScene, params: RenderScenesParams) -> GenerateParams:
    """Build the params of ``generate`` for a scene: one picture in the video's aspect, with the fast profile."""
    return GenerateParams(prompt=scene.prompt, style=scene.style, aspect=Aspect(params.aspect.value), seed=params.seed)


def _picture(context: StageContext, scene: GeneratedScene, number: int, part: tuple[int, int]) -> Path:
    assert context.network_provider is not None
    params = generate_params(scene, context.params_as(RenderScenesParams))
    networks = (SDXL_TEXT_ENCODERS, TEXT_TO_IMAGE_PRESETS[params.profile].unet, SDXL_VAE_DECODER, SAFETY)
    # Recorded here, as a picture from an earlier attempt skips the stages.
    context.models_used |= dict.fromkeys(context.network_provider.models_used(networks))
    key_parts = {
        "params": params.model_dump(mode="json"),
        "networks": context.network_provider.digest(networks),
    }
    path = context.folder / f"scene-{number}.png"

    def generate(path: Path) -> Sequence[str]:
        return _generate_picture(context, params, path, number, part)

    notes = get_or_create(
        context.intermediates,
        intermediate_name("picture", key_parts, ".png"),
        path,
        generate,
        lambda path: _is_decodable(path, context.check),
    )
    context.notes.extend(f"Scene {number}: {note}" for note in notes)
    return path


def _generate_picture(
    context: StageContext, params: GenerateParams, path: Path, number: int, part: tuple[int, int]
) -> Sequence[str]:
    done, count = part
    scene_context = StageContext(
        params,
        {},
        context.folder,
        network_provider=context.network_provider,
        report_progress_image=context.report_progress_image,
    )
    progress_before = 0.0
    for stage, share in GENERATE_STEPS:

        def report(
            fraction: float, message: str = "", progress_before: float = progress_before, share: float = share
        ) -> None:
            context.report(
                (done + progress_before + share * fraction) / count, f"Scene {number}: {message}" if message else ""
            )

        scene_context.enter_stage(stage, report)
        report(0.0, stage.message)
        stage.run(scene_context)
        progress_before += share
    scene_context.enter_stage(None)
    save_png(
        scene_context[SAFE_PICTURES][0].picture,
        None,
        path,
        on_write=lambda: context.report((done + progress_before) / count),
    )
    return scene_context.notes


def _is_decodable(path: Path, check: Callable[[], None]) -> bool:
    try:
        decode_picture(path, check)
    except DarkroomError:
        return False
    return True
