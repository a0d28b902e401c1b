"""Speech stages of ``render_scenes``: synthesise each scene's voice and time its words."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from darkroom.contract.video_params import RenderScenesParams
from darkroom.contract.voices import Voice, voice_for
from pipeline.core.stages import Artifact, Slot, Stage, StageContext
from pipeline.scenes.clip import label_scene_errors, merge_notes
from pipeline.scenes.intermediate_files import get_or_create, intermediate_name, load_speech, save_speech
from pipeline.scenes.load import VOICES, recorded_seconds
from pipeline.scenes.timeline import Timeline, timeline_of
from pipeline.speech.types import Speech, Transcript, shift_words
from pipeline.video.talking_portrait import AlignWords, require_speaker, synthetic_voice_note

SPEECHES: Artifact[tuple[Speech | None, ...]] = Artifact(
    "speeches", "what each scene says, None for nothing; a recorded voice has no words yet"
)
TIMELINE: Artifact[Timeline] = Artifact("timeline", "when each scene is seen and when it speaks, in frames")
TRANSCRIPTS: Artifact[tuple[Transcript, ...]] = Artifact(
    "spoken", "what each scene says, with its times in seconds of the video; without words when nobody wants to read it"
)


class SynthesiseSceneSpeech(Stage):
    """Synthesise every script, unless an earlier attempt did, because some synthesisers are billed per character."""

    name = "speak"
    message = "Speaking"
    slot = Slot.CPU
    requires = (VOICES,)
    provides = (SPEECHES, TIMELINE)

    def run(self, context: StageContext) -> None:
        """Synthesise.

        Raises ``DarkroomError``: ``script_too_long_error`` as soon as it is certain, and the synthesiser's errors,
        naming the scene.
        """
        params, voices = context.params_as(RenderScenesParams), context[VOICES]
        seconds = recorded_seconds(params, voices)
        timeline = timeline_of(params, seconds, context.max_video_seconds)
        speeches: list[Speech | None] = []
        for index, scene in enumerate(params.scenes):
            report = _part_of(context, self.message, index, len(params.scenes))
            report(0.0)
            if scene.voice_track is not None:
                speeches.append(Speech(voices[scene.voice_track], ()))
            elif scene.script:
                path = context.folder / f"scene-{index + 1}.npz"
                with label_scene_errors(index + 1, scene):
                    speech = _synthesise_or_load(
                        context, scene.script, voice_for(scene.voice, params.language), path, report
                    )
                speeches.append(speech)
                seconds[index] = speech.seconds
                timeline = timeline_of(params, seconds, context.max_video_seconds)
            else:
                speeches.append(None)
        context[SPEECHES] = tuple(speeches)
        context[TIMELINE] = timeline


class TranscribeScenes(AlignWords):
    """Time each word of each scene, if subtitles are requested."""

    requires = (SPEECHES, TIMELINE)
    provides = (TRANSCRIPTS,)

    def run(self, context: StageContext) -> None:
        """Time the words. Raises ``DarkroomError`` like ``transcribe_recording``, naming the scene."""
        params = context.params_as(RenderScenesParams)
        transcripts, notes = [], []
        speeches, spans = context[SPEECHES], context[TIMELINE].spans
        for index, (scene, speech, span) in enumerate(zip(params.scenes, speeches, spans, strict=True)):
            # Progress within a scene's transcription counts as that scene's part.
            report = _part_of(context, self.message, index, len(params.scenes))
            report(0.0)
            inner_context = StageContext(params, {}, context.folder, report, network_provider=context.network_provider)
            with label_scene_errors(index + 1, scene):
                recorded = scene.voice_track is not None
                transcript = self.transcript(inner_context, scene, speech, params, recorded=recorded)
            transcripts.append(replace(transcript, words=shift_words(transcript.words, span.speech_start)))
            notes.append(inner_context.notes)
            context.models_used |= inner_context.models_used
        context.notes.extend(merge_notes(notes))
        context[TRANSCRIPTS] = tuple(transcripts)


def _synthesise_or_load(
    context: StageContext, script: str, voice: Voice, path: Path, report: Callable[[float], None]
) -> Speech:
    """Synthesise a script, or load the speech of an earlier attempt; ``path`` is where it may be stored."""
    speaker = require_speaker(context)

    def synthesise_to(path: Path) -> tuple[str, ...]:
        save_speech(speaker.synthesise(script, voice, report), path)
        return ()

    name = intermediate_name(
        "speech", {"script": script, "voice": voice.model_dump(), "speaker": speaker.about}, path.suffix
    )
    get_or_create(context.intermediates, name, path, synthesise_to, lambda path: load_speech(path) is not None)
    # New speech is read back as well, so that the clips made from it are the same in every attempt.
    speech = load_speech(path)
    assert speech is not None
    path.unlink()
    context.add_note(synthetic_voice_note(voice, speaker))
    return speech


def _part_of(context: StageContext, message: str, index: int, count: int) -> Callable[..., None]:
    def report(fraction: float, _message: str = "") -> None:
        context.report((index + fraction) / count, f"{message}: scene {index + 1} of {count}")

    return report
