"""Talking portrait (``render_video``): artifacts and the stages that both engines share, from portrait to subtitles.

All times are relative to the video. Speech gets its silence before and after at once, so that animation, subtitles and
sound need no offsets.
"""

from math import ceil

import numpy as np

from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.spoken import Spoken
from darkroom.contract.video_params import VOICE_TRACK, RenderVideoParams, Subtitles, VideoParams
from darkroom.contract.voices import Voice, voice_for
from pipeline.core.arrays import Rgb
from pipeline.core.stages import Artifact, Slot, Stage, StageContext
from pipeline.decoding.client import decode_picture
from pipeline.imaging.codec import on_white
from pipeline.speech.alignment import align_words
from pipeline.speech.language import resolve_language
from pipeline.speech.types import SAMPLE_RATE, Samples, Speech, SpeechSynthesiser, Transcript, shift_words
from pipeline.subtitles.cues import Cue, build_cues
from pipeline.video import FPS
from pipeline.video.clip import Clip
from pipeline.video.decoder import decode_voice

SAMPLES_PER_FRAME = SAMPLE_RATE // FPS
LEAD_FRAMES, TAIL_FRAMES = 5, 10  # frames of silence before and, at least, after the speech, against abrupt cuts


PORTRAIT: Artifact[Rgb] = Artifact("portrait", "who speaks: H×W×3 uint8 sRGB, upright, full resolution")
RECORDED_VOICE: Artifact[Samples | None] = Artifact(
    "track", "the uploaded voice: mono float32 in [-1, 1] at 48 kHz; None when it is to be synthesised"
)
SPEECH: Artifact[Speech] = Artifact(
    "speech", "what is heard, with silence around it, as long as the video; its words where they are known"
)
CLIP: Artifact[Clip] = Artifact("clip", "the animated portrait, about as long as the speech")
TRANSCRIPT: Artifact[Transcript] = Artifact(
    "transcript", "what is said, with its times in seconds; without words when nobody wants to read it"
)
CUES: Artifact[tuple[Cue, ...]] = Artifact("cues", "the subtitles in their order; empty when nobody wants them")


class LoadAvatar(Stage):
    """Decode the portrait and, if there is one, the recorded voice within their limits.

    ``engine`` runs the job: unsupported requests are rejected here, before any work.
    """

    name = "load"
    message = "Opening the portrait"
    slot = Slot.CPU
    provides = (PORTRAIT, RECORDED_VOICE)

    def __init__(self, engine: Engine = Engine.MODELS) -> None:
        self._engine = engine

    def run(self, context: StageContext) -> None:
        """Load the inputs.

        Raises ``DarkroomError`` like the decoders (``invalid_audio``, ``script_too_long_error``, …), and
        ``engine_unavailable``.
        """
        context.params_as(RenderVideoParams).check_engine(self._engine, context.files)
        context[PORTRAIT] = on_white(decode_picture(context.files["avatar"], context.check))
        context.report(0.3)
        track = context.files.get(VOICE_TRACK)
        context[RECORDED_VOICE] = (
            None
            if track is None
            else decode_voice(track, context.check, report=lambda part: context.report(0.3 + 0.7 * part))
        )


class SynthesiseSpeech(Stage):
    """Synthesise the script, or use the recorded voice as it is."""

    name = "speak"
    message = "Speaking"
    slot = Slot.CPU
    requires = (RECORDED_VOICE,)
    provides = (SPEECH,)

    def run(self, context: StageContext) -> None:
        """Synthesise. Raises ``DarkroomError``: ``engine_unavailable`` without a synthesiser, and its own errors."""
        track = context[RECORDED_VOICE]
        if track is not None:
            context[SPEECH] = padded_with_silence(Speech(track, ()))
            return
        params, speaker = context.params_as(RenderVideoParams), require_speaker(context)
        voice = voice_for(params.voice, params.language)
        context[SPEECH] = padded_with_silence(speaker.synthesise(params.script, voice, context.report))
        context.notes.append(synthetic_voice_note(voice, speaker))


class AlignWords(Stage):
    """Base of the stages that time each word, if subtitles are requested.

    A synthesiser returns its word times; a recording is aligned to its script. Subclasses that can recognise speech
    override ``transcribe_recording``.
    """

    name = "transcribe"
    message = "Finding the words' times"
    slot = Slot.CPU

    def transcribe_recording(self, context: StageContext, samples: Samples, language: str | None) -> Transcript:  # noqa: ARG002 - as overridden
        """Transcribe a recording without a script, mono float32 at ``SAMPLE_RATE``; ``language`` None if unknown.

        Raises ``DarkroomError`` (``engine_unavailable``).
        """
        raise DarkroomError(
            ErrorCode.ENGINE_UNAVAILABLE,
            "Nobody here can hear what the voice_track says. Give its words as script, or leave the subtitles out.",
        )

    def transcript(
        self, context: StageContext, spoken: Spoken, speech: Speech | None, params: VideoParams, *, recorded: bool
    ) -> Transcript:
        """Return the words of ``speech`` and their language, given the requested ``spoken``.

        There are no words if no subtitles are requested. Raises ``DarkroomError`` like ``transcribe_recording``.
        """
        stated = params.language if recorded else voice_for(spoken.voice, params.language).language
        language = resolve_language(spoken.script, stated)
        if speech is None or params.subtitles is Subtitles.NONE:
            return Transcript((), language)
        if not recorded:
            return Transcript(speech.words, language)
        if not spoken.script:
            return self.transcribe_recording(context, speech.samples, params.language)
        context.notes.append("The subtitles' times are estimated: the script is laid over the voice's loud passages.")
        return Transcript(align_words(spoken.script, speech.samples, language), language)


class Transcribe(AlignWords):
    """Time each word of the speech, if subtitles are requested."""

    requires = (RECORDED_VOICE, SPEECH)
    provides = (TRANSCRIPT,)

    def run(self, context: StageContext) -> None:
        """Time the words. Raises ``DarkroomError`` like ``transcribe_recording``."""
        params, recorded = context.params_as(RenderVideoParams), context[RECORDED_VOICE] is not None
        context[TRANSCRIPT] = self.transcript(context, params, context[SPEECH], params, recorded=recorded)


class BuildSubtitles(Stage):
    """Break the transcript into readable subtitle cues."""

    name = "subtitle"
    message = "Writing the subtitles"
    slot = Slot.CPU
    requires = (SPEECH, TRANSCRIPT)
    provides = (CUES,)

    def run(self, context: StageContext) -> None:
        transcript, until = context[TRANSCRIPT], context[SPEECH].seconds
        context[CUES] = build_cues(transcript.words, transcript.language, video_end=until)


def require_speaker(context: StageContext) -> SpeechSynthesiser:
    """Return the speech synthesiser. Raises ``DarkroomError`` (``engine_unavailable``) if there is none."""
    if context.speaker is None:
        raise DarkroomError(
            ErrorCode.ENGINE_UNAVAILABLE,
            "Nobody can say a script here: no speech synthesis is installed. Upload a voice_track in its place.",
        )
    return context.speaker


def synthetic_voice_note(voice: Voice, speaker: SpeechSynthesiser) -> str:
    """Return the note that a result's voice is synthetic."""
    return f"The voice is synthesised: {voice.title} by {speaker.about}."


def padded_with_silence(speech: Speech) -> Speech:
    """Pad speech with silence to a whole number of frames, and shift its words accordingly."""
    whole = ceil(len(speech.samples) / SAMPLES_PER_FRAME) * SAMPLES_PER_FRAME
    before = LEAD_FRAMES * SAMPLES_PER_FRAME
    after = whole - len(speech.samples) + TAIL_FRAMES * SAMPLES_PER_FRAME
    return Speech(np.pad(speech.samples, (before, after)), shift_words(speech.words, LEAD_FRAMES / FPS))


def frame_count(speech: Speech) -> int:
    """Return the number of frames that cover the speech."""
    return ceil(len(speech.samples) / SAMPLES_PER_FRAME)
