"""Animation stage: renders a talking portrait by a network."""

from pipeline.core.stages import Slot, Stage, StageContext
from pipeline.models.network_registry import ANIMATOR
from pipeline.video.talking_portrait import CLIP, PORTRAIT, SPEECH


class AnimateByNetwork(Stage):
    """Animate the portrait to the speech."""

    name = "animate"
    message = "Animating the portrait"
    slot = Slot.COMPUTE
    requires = (PORTRAIT, SPEECH)
    provides = (CLIP,)
    networks = (ANIMATOR,)

    def run(self, context: StageContext) -> None:
        """Render the clip. Raises ``DarkroomError`` as ``Animator.animate`` does: ``no_face`` and others."""
        with context.use_networks(ANIMATOR) as networks:
            context[CLIP] = networks[ANIMATOR].animate(
                context[PORTRAIT], context[SPEECH], context.folder / "clip.mp4", context.folder, context.report
            )
        context.notes.append(
            "The animator moves by chance: the same job again is another performance, whatever the seed."
        )
