"""Last stage of ``render_scenes``: joins the clips into one video with subtitles and music."""

from collections.abc import Sequence

from darkroom.contract.video_params import MUSIC, RenderScenesParams
from pipeline.core.artifacts import SAVED
from pipeline.core.stages import Slot, Stage, StageContext
from pipeline.scenes.render import CLIPS
from pipeline.scenes.speech import SPEECHES, TIMELINE, TRANSCRIPTS
from pipeline.scenes.timeline import Timeline, transition_frames, transitions_of
from pipeline.speech.types import Transcript
from pipeline.subtitles.cues import Cue, build_cues
from pipeline.video.files import MIX_SHARE, save_video
from pipeline.video.mix import mix_soundtrack
from pipeline.video.transitions import join_clips


class JoinScenes(Stage):
    """Join the clips, write the subtitles, mix the soundtrack, and encode everything in one pass."""

    name = "join"
    message = "Joining the scenes"
    slot = Slot.CPU
    requires = (CLIPS, SPEECHES, TRANSCRIPTS, TIMELINE)
    provides = (SAVED,)

    def run(self, context: StageContext) -> None:
        """Join. Raises ``DarkroomError`` (``invalid_audio``) for damaged music."""
        params, timeline, speeches = context.params_as(RenderScenesParams), context[TIMELINE], context[SPEECHES]
        voices = [
            (span.speech_start, speech.samples)
            for speech, span in zip(speeches, timeline.spans, strict=True)
            if speech is not None
        ]
        sound = mix_soundtrack(
            voices,
            context.files.get(MUSIC),
            timeline.seconds,
            context.folder / "sound.raw",
            music_volume=params.music_volume,
            loudness=params.loudness,
            report=lambda part: context.report(MIX_SHARE * part),
            check=context.check,
        )
        clips = [clip.frames() for clip in context[CLIPS]]
        lengths = [span.frames for span in timeline.spans]
        transcripts = context[TRANSCRIPTS]
        cues = cues_over(transcripts, timeline)
        pictures = join_clips(clips, lengths, transitions_of(params), transition_frames(params))
        context[SAVED] = save_video(
            pictures, sound, timeline.frames, cues, language_over(transcripts), context, self.message
        )


def cues_over(transcripts: Sequence[Transcript], timeline: Timeline) -> tuple[Cue, ...]:
    """Build the subtitles of the whole video; a scene's cues end before the next scene begins to show."""
    cues: list[Cue] = []
    for transcript, span in zip(transcripts, timeline.spans, strict=True):
        cues += build_cues(transcript.words, transcript.language, video_end=span.transition_start)
    return tuple(cues)


def language_over(transcripts: Sequence[Transcript]) -> str:
    """Return the language tag of the video: that of the first scene with speech."""
    return next((transcript.language for transcript in transcripts if transcript.words), transcripts[0].language)
