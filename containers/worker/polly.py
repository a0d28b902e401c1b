"""Speech synthesis by Amazon Polly, with a fallback synthesiser for voices that Polly does not have."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from functools import partial
from io import BytesIO
from typing import Any, Protocol

import av
import numpy as np
from botocore.exceptions import BotoCoreError, ClientError

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.video_params import MAX_VOICE_SECONDS
from darkroom.contract.voices import Voice
from pipeline.speech.audio import decode_audio, normalise_peak
from pipeline.speech.script_errors import check_script, nothing_to_say_error, script_too_long_error
from pipeline.speech.sentences import ends_clause, ends_sentence
from pipeline.speech.types import SAMPLE_RATE, Samples, Speech, SpeechSynthesiser
from pipeline.speech.word_timing import SpeechMark, time_words
from pipeline.speech.words import remove_controls, split_words, word_spans

MAX_CHARACTERS = 2_800  # per request; Polly's limit is 3,000 billed characters
PAUSE = 0.3  # seconds of silence between two requests' sentences
BODY_CHUNK = 64 * 1024
# Neural voices are generated at 24 kHz. PCM is limited to 16 kHz, and MP3 starts with an encoder delay that would shift
# every speech mark. Vorbis has neither problem.
AUDIO = {"OutputFormat": "ogg_vorbis", "SampleRate": "24000"}
MARKS = {"OutputFormat": "json", "SpeechMarkTypes": ["word"]}
# Polly's error codes for an unsupported text, for a voice unavailable in the region, and for missing permissions.
_TEXT_ERRORS = {"InvalidSsmlException", "TextLengthExceededException", "ValidationException"}
_VOICE_ERRORS = {"EngineNotSupportedException", "LanguageNotSupportedException"}
_ACCESS_ERRORS = {"AccessDeniedException", "ExpiredTokenException", "UnrecognizedClientException"}


class PollyClient(Protocol):
    """The part of boto3's client ``polly`` that is used."""

    def synthesize_speech(self, **request: Any) -> Mapping[str, Any]:
        """Synthesise audio or speech marks of a text, as ``AudioStream``."""


class PollySpeaker:
    """Implements ``SpeechSynthesiser`` with Amazon Polly. ``fallback`` synthesises voices that Polly does not have."""

    def __init__(self, client: PollyClient, fallback: SpeechSynthesiser) -> None:
        self._client = client
        self._fallback = fallback

    @property
    def about(self) -> str:
        """The synthesiser's name; Polly has no version."""
        return "polly"

    def synthesise(self, script: str, voice: Voice, report: Callable[[float], None] = lambda _fraction: None) -> Speech:
        """Synthesise ``script`` as plain text, at most 2,800 characters per request.

        Raises ``DarkroomError`` as ``SpeechSynthesiser`` does. ``engine_unavailable`` is retryable if Polly is busy or
        cannot be reached.
        """
        if voice.polly is None:
            return self._fallback.synthesise(script, voice, report)
        check_script(script, voice)
        blocks: list[Samples] = []
        marks: list[SpeechMark] = []
        count = 0  # samples so far
        for start, end in _chunks(script, voice.language):
            if blocks:
                blocks.append(np.zeros(round(PAUSE * SAMPLE_RATE), np.float32))
                count += len(blocks[-1])
            text = remove_controls(script[start:end])
            lines = self._request(text, voice, MARKS, partial(report, start / len(script)))
            marks += _speech_marks(lines, text, start, count / SAMPLE_RATE)
            decoded = _decoded(self._request(text, voice, AUDIO, partial(report, (start + end) / 2 / len(script))))
            blocks += decoded
            count += sum(map(len, decoded))
            if count > MAX_VOICE_SECONDS * SAMPLE_RATE:
                raise script_too_long_error(marks)
            report(end / len(script))
        samples = normalise_peak(blocks)
        if not samples.any():
            raise nothing_to_say_error(voice)
        return Speech(samples, time_words(script, voice.language, marks, samples))

    def _request(self, text: str, voice: Voice, kind: Mapping[str, Any], report: Callable[[], None]) -> bytes:
        try:
            response = self._client.synthesize_speech(Text=text, VoiceId=voice.polly, Engine=voice.polly_engine, **kind)
            body = bytearray()
            with closing(response["AudioStream"]) as stream:
                for chunk in stream.iter_chunks(BODY_CHUNK):
                    body += chunk
                    report()
        except ClientError as error:
            raise _translate_client_error(error, voice) from error
        except BotoCoreError as error:
            raise _unavailable("cannot be reached") from error
        return bytes(body)


def _chunks(script: str, language: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each request's text: split after a sentence if possible, else a clause, else a word."""
    words = list(zip(split_words(script, language), word_spans(script, language), strict=True))
    start, last = 0, len(script)
    while last - start > MAX_CHARACTERS:
        within = [(text, end) for text, (_, end) in words if start < end <= start + MAX_CHARACTERS]
        ends = (
            [end for text, end in within if ends_sentence(text)]
            or [end for text, end in within if ends_clause(text)]
            or [end for _, end in within]
            or [start + MAX_CHARACTERS]
        )
        yield start, ends[-1]
        start = last - len(script[ends[-1] : last].lstrip())
    if start < last:
        yield start, last


def _speech_marks(lines: bytes, text: str, index: int, seconds: float) -> Iterator[SpeechMark]:
    """Convert the speech marks of a text that begins at ``index`` of the script and at ``seconds`` of the audio.

    Polly counts bytes of UTF-8 and milliseconds.
    """
    encoded = text.encode()
    for line in lines.splitlines():
        mark = json.loads(line)
        before = len(encoded[: mark["start"]].decode("utf-8", "ignore"))
        yield SpeechMark(index + before, seconds + mark["time"] / 1000)


def _decoded(body: bytes) -> list[Samples]:
    try:
        return list(decode_audio(BytesIO(body)))
    except (av.FFmpegError, IndexError) as error:
        raise _unavailable("answered with something that is no sound") from error


def _translate_client_error(error: ClientError, voice: Voice) -> DarkroomError:
    code = error.response["Error"]["Code"]
    if code in _TEXT_ERRORS:
        return DarkroomError(
            ErrorCode.INVALID_REQUEST, f"Amazon Polly cannot say the script ({code}). Write it as plain sentences."
        )
    if code in _VOICE_ERRORS:
        return DarkroomError(
            ErrorCode.ENGINE_UNAVAILABLE,
            f"Amazon Polly does not have the voice {voice.name} ({voice.polly_engine}) in this region. "
            "Choose another voice, or upload a voice_track.",
        )
    if code in _ACCESS_ERRORS:
        return DarkroomError(
            ErrorCode.ENGINE_UNAVAILABLE,
            f"This deployment may not use Amazon Polly ({code}). Upload a voice_track, or tell who runs it.",
        )
    return _unavailable(f"is busy or failed ({code})")


def _unavailable(what: str) -> DarkroomError:
    return DarkroomError(ErrorCode.ENGINE_UNAVAILABLE, f"Amazon Polly {what}. Try again in a moment.", retryable=True)
