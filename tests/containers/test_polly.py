"""Amazon Polly synthesiser against its own service model: its requests, and how it handles the answers."""

import json
from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import pairwise
from typing import Any, NoReturn

import av
import boto3
import numpy as np
import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber

from containers.worker.polly import MAX_CHARACTERS, PollySpeaker
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.voices import Voice, voices
from pipeline.speech.espeak import EspeakSynthesiser
from pipeline.speech.types import SAMPLE_RATE, Speech, Word
from tests.aws_calls import Recorded, held_to_the_record

JOANNA = voices()["joanna"]
MARKS_REQUEST = {"Text": ANY, "VoiceId": ANY, "Engine": ANY, "OutputFormat": ANY, "SpeechMarkTypes": ANY}
SILENCE = Speech(np.zeros(SAMPLE_RATE, np.float32), (Word("nothing", 0, 1),))


class RecordingSynthesiser:
    """Synthesiser that returns silence and records the voices."""

    about = "nobody"

    def __init__(self) -> None:
        self.voices_used: list[str] = []

    def synthesise(
        self, _script: str, voice: Voice, _report: Callable[[float], None] = lambda _fraction: None
    ) -> Speech:
        """Return a second of silence and record the voice."""
        self.voices_used.append(voice.name)
        return SILENCE


class UnreachableClient:
    """A client without a network."""

    def synthesize_speech(self, **_request: object) -> NoReturn:
        """Raise boto3's connection error."""
        raise EndpointConnectionError(endpoint_url="polly")


class StubbedPolly:
    """boto3's client with stubbed responses."""

    def __init__(self) -> None:
        self.client = boto3.client(
            "polly",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )
        self.stubber = Stubber(self.client)
        self.fallback = RecordingSynthesiser()
        self.speaker = PollySpeaker(Recorded("polly", self.client), self.fallback)

    def expect(self, text: str, marks: list[tuple[int, str]], sound: bytes, voice: Voice = JOANNA) -> None:
        """Expect both requests for a text; ``marks`` are milliseconds and words of the text."""
        expected_request = {"Text": text, "VoiceId": voice.polly, "Engine": voice.polly_engine}
        lines, at = [], 0
        for time, word in marks:
            at = text.index(word, at)
            start = len(text[:at].encode())
            lines.append(
                {"time": time, "type": "word", "start": start, "end": start + len(word.encode()), "value": word}
            )
        encoded = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode()
        self._add_response(encoded, expected_request | {"OutputFormat": "json", "SpeechMarkTypes": ["word"]})
        self._add_response(sound, expected_request | {"OutputFormat": "ogg_vorbis", "SampleRate": "24000"})

    def _add_response(self, body: bytes, expected_request: dict[str, Any]) -> None:
        response = {"AudioStream": StreamingBody(BytesIO(body), len(body))}
        self.stubber.add_response("synthesize_speech", response, expected_request)


@pytest.fixture
def polly() -> Iterator[StubbedPolly]:
    polly = StubbedPolly()
    with held_to_the_record(), polly.stubber:
        yield polly
    polly.stubber.assert_no_pending_responses()


def sound(*parts: tuple[float, float]) -> bytes:
    """Return a FLAC file of tones; each part is its seconds and its amplitude."""
    blocks = [amplitude * np.sin(np.arange(round(seconds * 24_000)) * 0.2) for seconds, amplitude in parts]
    samples = (32_767 * np.concatenate(blocks)).astype(np.int16)
    file = BytesIO()
    with av.open(file, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=24_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = 24_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def error_of(speaker: PollySpeaker, script: str = "Hello.") -> DarkroomError:
    with pytest.raises(DarkroomError) as failure:
        speaker.synthesise(script, JOANNA)
    return failure.value


def test_words_start_at_pollys_marks_and_end_with_the_voice(polly: StubbedPolly) -> None:
    script = "Olá — señor “Müller”, 你 ok. Yes!"
    marks = [(10, "Olá"), (300, "señor"), (600, "Müller"), (900, "ok"), (1500, "Yes")]
    polly.expect(script, marks, sound((1.2, 0.5), (0.3, 0.0), (0.5, 0.5), (0.2, 0.0)))
    speech = polly.speaker.synthesise(script, JOANNA)
    times = {word.text: (word.start, word.end) for word in speech.words}
    assert list(times) == ["Olá —", "señor", "“Müller”,", "你", "ok.", "Yes!"]
    assert times["señor"] == pytest.approx((0.3, 0.6))
    assert times["ok."] == pytest.approx((0.9, 1.2), abs=0.03)
    assert times["Yes!"] == pytest.approx((1.5, 2.0), abs=0.03)
    assert speech.seconds == pytest.approx(2.2, abs=0.001)
    assert np.abs(speech.samples).max() == pytest.approx(0.708, abs=0.001)


def test_a_long_script_is_requested_by_sentences_and_joined(polly: StubbedPolly) -> None:
    sentence = "Every boat begins with a plank, and every plank with a tree. "
    script = (sentence * 82)[:5000].rstrip()
    voices_used: list[str] = []
    polly.client.meta.events.register(
        "provide-client-params.polly.SynthesizeSpeech", lambda params, **_: voices_used.append(params["Text"])
    )
    for _ in range(2):
        for body in (b'{"time":0,"type":"word","start":0,"end":5,"value":"Every"}', sound((60, 0.5))):
            polly.stubber.add_response(
                "synthesize_speech", {"AudioStream": StreamingBody(BytesIO(body), len(body))}, None
            )
    fractions: list[float] = []
    speech = polly.speaker.synthesise(script, JOANNA, fractions.append)
    assert " ".join(voices_used[::2]) == script
    assert voices_used[::2] == voices_used[1::2]
    assert all(len(text) <= MAX_CHARACTERS < 3000 for text in voices_used)
    assert voices_used[0].endswith("tree.")
    assert speech.seconds == pytest.approx(120.3, abs=0.01)
    assert [word.text for word in speech.words] == script.split()
    assert all(one.end <= two.start for one, two in pairwise(speech.words))
    (second,) = [word for word in speech.words if abs(word.start - 60.3) < 1e-6]
    assert second.text == "Every"
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1


def test_a_script_without_spaces_is_split_at_the_limit(polly: StubbedPolly) -> None:
    script = "a" * (MAX_CHARACTERS + 10)
    for text in (script[:MAX_CHARACTERS], script[MAX_CHARACTERS:]):
        polly.expect(text, [(0, text)], sound((1, 0.5)))
    assert [word.text for word in polly.speaker.synthesise(script, JOANNA).words] == [script]


def test_too_long_speech_is_rejected_before_the_next_request(polly: StubbedPolly) -> None:
    script = "One plank. " * 450
    polly.expect(
        script[: len("One plank. ") * (MAX_CHARACTERS // 11) - 1], [(0, "One"), (290_000, "plank")], sound((301, 0.5))
    )
    error = error_of(polly.speaker, script)
    assert error.detail.code is ErrorCode.TOO_LONG
    assert "5 minutes" in error.detail.message


@pytest.mark.parametrize(
    ("first", "rest"),
    [
        ("x" * MAX_CHARACTERS, ""),  # fits
        ("One plank.", "a, " * 900 + "b" + " c" * 45),  # after a sentence, though a clause ends later
        ("One plank.", "x " * 1290 + "Mr. b" + " c" * 103),  # not after an abbreviation
        ("aaaa, " * 459 + "aaaa,", "b" + " b" * 200),  # after a clause, though a word ends later
        ("planks " * 399 + "planks", "planks " * 29 + "planks"),  # after a word
    ],
)
def test_a_text_is_split_where_a_speaker_would_breathe(polly: StubbedPolly, first: str, rest: str) -> None:
    script = f"{first} {rest}".strip()
    for text in filter(None, (first, rest)):
        polly.expect(text, [(0, text.split()[0])], sound((1, 0.5)))
    fractions: list[float] = []
    speech = polly.speaker.synthesise(script, JOANNA, fractions.append)
    # Half of a text's share is its words, the other half its sound.
    end = len(first) / len(script)
    assert fractions[0] == 0
    assert {end / 2, end, 1.0} <= set(fractions)
    assert fractions == sorted(fractions)
    assert speech.seconds == pytest.approx(2.3 if rest else 1, abs=0.01)


def test_speech_of_exactly_the_longest_duration_is_accepted(polly: StubbedPolly) -> None:
    polly.expect("Hello.", [(0, "Hello")], sound((300, 0.5)))
    assert polly.speaker.synthesise("Hello.", JOANNA).seconds == pytest.approx(300, abs=0.01)


@pytest.mark.parametrize(
    ("code", "expected_request", "retryable"),
    [
        ("ThrottlingException", ErrorCode.ENGINE_UNAVAILABLE, True),
        ("ServiceFailureException", ErrorCode.ENGINE_UNAVAILABLE, True),
        ("EngineNotSupportedException", ErrorCode.ENGINE_UNAVAILABLE, False),
        ("AccessDeniedException", ErrorCode.ENGINE_UNAVAILABLE, False),
        ("TextLengthExceededException", ErrorCode.INVALID_REQUEST, False),
        ("InvalidSsmlException", ErrorCode.INVALID_REQUEST, False),
    ],
)
def test_pollys_error_codes_decide_code_and_retryability(
    polly: StubbedPolly, code: str, expected_request: ErrorCode, *, retryable: bool
) -> None:
    polly.stubber.add_client_error("synthesize_speech", code, expected_params=MARKS_REQUEST)
    error = error_of(polly.speaker)
    assert (error.detail.code, error.detail.retryable) == (expected_request, retryable)
    assert "Polly" in error.detail.message


def test_an_unreachable_or_broken_polly_is_a_retryable_error(polly: StubbedPolly) -> None:
    polly.expect("Hello.", [(0, "Hello")], b"no sound")
    assert error_of(polly.speaker).detail.retryable
    error = error_of(PollySpeaker(UnreachableClient(), RecordingSynthesiser()))
    assert error.detail.code is ErrorCode.ENGINE_UNAVAILABLE
    assert error.detail.retryable


def test_a_truncated_response_is_a_retryable_error(polly: StubbedPolly) -> None:
    whole = sound((1, 0.5))
    polly.stubber.add_response(
        "synthesize_speech", {"AudioStream": StreamingBody(BytesIO(whole), len(whole) + 9)}, MARKS_REQUEST
    )
    assert error_of(polly.speaker).detail.retryable


def test_a_cancelled_job_sends_no_further_requests(polly: StubbedPolly) -> None:
    body = b'{"time":0,"type":"word","start":0,"end":5,"value":"Hello"}'
    polly.stubber.add_response(
        "synthesize_speech", {"AudioStream": StreamingBody(BytesIO(body), len(body))}, MARKS_REQUEST
    )

    def stop(_fraction: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        polly.speaker.synthesise("Hello.", JOANNA, stop)


def test_a_script_without_audible_words_is_rejected(polly: StubbedPolly) -> None:
    assert error_of(polly.speaker, "... !").detail.code is ErrorCode.INVALID_REQUEST
    polly.expect("☙", [], sound((0.5, 0.0)))
    assert error_of(polly.speaker, "☙").detail.code is ErrorCode.INVALID_REQUEST


def test_a_voice_without_polly_uses_the_fallback(polly: StubbedPolly) -> None:
    assert polly.speaker.synthesise("שלום", voices()["noa"]) is SILENCE
    assert polly.fallback.voices_used == ["noa"]
    assert PollySpeaker(polly.client, EspeakSynthesiser()).synthesise("שלום", voices()["noa"]).seconds > 0.3


def test_the_synthesiser_is_named_polly(polly: StubbedPolly) -> None:
    assert polly.speaker.about == "polly"
