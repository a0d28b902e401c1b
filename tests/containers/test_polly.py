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

JOANNA = voices()["joanna"]
MARKS_REQUEST = {"Text": ANY, "VoiceId": ANY, "Engine": ANY, "OutputFormat": ANY, "SpeechMarkTypes": ANY}
SILENCE = Speech(np.zeros(SAMPLE_RATE, np.float32), (Word("nothing", 0, 1),))


class Nobody:
    """Speaks nothing, and says for whom it did."""

    about = "nobody"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def synthesise(
        self, _script: str, voice: Voice, _report: Callable[[float], None] = lambda _fraction: None
    ) -> Speech:
        """A second of silence."""
        self.asked.append(voice.name)
        return SILENCE


class Unreachable:
    """A client without a network."""

    def synthesize_speech(self, **_request: object) -> NoReturn:
        """As boto3 does it."""
        raise EndpointConnectionError(endpoint_url="polly")


class Service:
    """boto3's client, whose answers are written here."""

    def __init__(self) -> None:
        self.client = boto3.client(
            "polly",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )
        self.stubber = Stubber(self.client)
        self.fallback = Nobody()
        self.speaker = PollySpeaker(self.client, self.fallback)

    def expect(self, text: str, marks: list[tuple[int, str]], sound: bytes, voice: Voice = JOANNA) -> None:
        """The two requests for a text: its marks are milliseconds and words, as Polly finds them in the text."""
        wanted = {"Text": text, "VoiceId": voice.polly, "Engine": voice.polly_engine}
        lines, at = [], 0
        for time, word in marks:
            at = text.index(word, at)
            start = len(text[:at].encode())
            lines.append(
                {"time": time, "type": "word", "start": start, "end": start + len(word.encode()), "value": word}
            )
        encoded = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode()
        self._answer(encoded, wanted | {"OutputFormat": "json", "SpeechMarkTypes": ["word"]})
        self._answer(sound, wanted | {"OutputFormat": "ogg_vorbis", "SampleRate": "24000"})

    def _answer(self, body: bytes, wanted: dict[str, Any]) -> None:
        answer = {"AudioStream": StreamingBody(BytesIO(body), len(body))}
        self.stubber.add_response("synthesize_speech", answer, wanted)


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    with service.stubber:
        yield service
    service.stubber.assert_no_pending_responses()


def sound(*parts: tuple[float, float]) -> bytes:
    """A FLAC file of parts, each so many seconds of a tone at such an amplitude."""
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


def refusal(speaker: PollySpeaker, script: str = "Hello.") -> DarkroomError:
    with pytest.raises(DarkroomError) as failure:
        speaker.synthesise(script, JOANNA)
    return failure.value


def test_words_have_pollys_times_and_end_where_the_voice_does(service: Service) -> None:
    script = "Olá — señor “Müller”, 你 ok. Yes!"
    marks = [(10, "Olá"), (300, "señor"), (600, "Müller"), (900, "ok"), (1500, "Yes")]
    service.expect(script, marks, sound((1.2, 0.5), (0.3, 0.0), (0.5, 0.5), (0.2, 0.0)))
    speech = service.speaker.synthesise(script, JOANNA)
    times = {word.text: (word.start, word.end) for word in speech.words}
    assert list(times) == ["Olá —", "señor", "“Müller”,", "你", "ok.", "Yes!"]
    assert times["señor"] == pytest.approx((0.3, 0.6))
    assert times["ok."] == pytest.approx((0.9, 1.2), abs=0.03)
    assert times["Yes!"] == pytest.approx((1.5, 2.0), abs=0.03)
    assert speech.seconds == pytest.approx(2.2, abs=0.001)
    assert np.abs(speech.samples).max() == pytest.approx(0.708, abs=0.001)


def test_a_long_script_is_asked_for_in_sentences_and_joined(service: Service) -> None:
    sentence = "Every boat begins with a plank, and every plank with a tree. "
    script = (sentence * 82)[:5000].rstrip()
    asked: list[str] = []
    service.client.meta.events.register(
        "provide-client-params.polly.SynthesizeSpeech", lambda params, **_: asked.append(params["Text"])
    )
    for _ in range(2):
        for body in (b'{"time":0,"type":"word","start":0,"end":5,"value":"Every"}', sound((60, 0.5))):
            service.stubber.add_response(
                "synthesize_speech", {"AudioStream": StreamingBody(BytesIO(body), len(body))}, None
            )
    heard: list[float] = []
    speech = service.speaker.synthesise(script, JOANNA, heard.append)
    assert " ".join(asked[::2]) == script
    assert asked[::2] == asked[1::2]
    assert all(len(text) <= MAX_CHARACTERS < 3000 for text in asked)
    assert asked[0].endswith("tree.")
    assert speech.seconds == pytest.approx(120.3, abs=0.01)
    assert [word.text for word in speech.words] == script.split()
    assert all(one.end <= two.start for one, two in pairwise(speech.words))
    (second,) = [word for word in speech.words if abs(word.start - 60.3) < 1e-6]
    assert second.text == "Every"
    assert heard == sorted(heard)
    assert heard[-1] == 1


def test_a_script_without_any_space_is_cut_where_it_must_be(service: Service) -> None:
    script = "a" * (MAX_CHARACTERS + 10)
    for text in (script[:MAX_CHARACTERS], script[MAX_CHARACTERS:]):
        service.expect(text, [(0, text)], sound((1, 0.5)))
    assert [word.text for word in service.speaker.synthesise(script, JOANNA).words] == [script]


def test_what_lasts_too_long_is_refused_before_more_is_asked_for(service: Service) -> None:
    script = "One plank. " * 450
    service.expect(
        script[: len("One plank. ") * (MAX_CHARACTERS // 11) - 1], [(0, "One"), (290_000, "plank")], sound((301, 0.5))
    )
    error = refusal(service.speaker, script)
    assert error.detail.code is ErrorCode.TOO_LONG
    assert "5 minutes" in error.detail.message


@pytest.mark.parametrize(
    ("code", "wanted", "retryable"),
    [
        ("ThrottlingException", ErrorCode.ENGINE_UNAVAILABLE, True),
        ("ServiceFailureException", ErrorCode.ENGINE_UNAVAILABLE, True),
        ("EngineNotSupportedException", ErrorCode.ENGINE_UNAVAILABLE, False),
        ("AccessDeniedException", ErrorCode.ENGINE_UNAVAILABLE, False),
        ("TextLengthExceededException", ErrorCode.INVALID_REQUEST, False),
        ("InvalidSsmlException", ErrorCode.INVALID_REQUEST, False),
    ],
)
def test_what_polly_refuses_is_told_with_whether_to_try_again(
    service: Service, code: str, wanted: ErrorCode, *, retryable: bool
) -> None:
    service.stubber.add_client_error("synthesize_speech", code, expected_params=MARKS_REQUEST)
    error = refusal(service.speaker)
    assert (error.detail.code, error.detail.retryable) == (wanted, retryable)
    assert "Polly" in error.detail.message


def test_a_polly_that_cannot_be_reached_or_answers_nonsense_may_be_asked_again(service: Service) -> None:
    service.expect("Hello.", [(0, "Hello")], b"no sound")
    assert refusal(service.speaker).detail.retryable
    error = refusal(PollySpeaker(Unreachable(), Nobody()))
    assert error.detail.code is ErrorCode.ENGINE_UNAVAILABLE
    assert error.detail.retryable


def test_an_answer_that_breaks_off_may_be_asked_for_again(service: Service) -> None:
    whole = sound((1, 0.5))
    service.stubber.add_response(
        "synthesize_speech", {"AudioStream": StreamingBody(BytesIO(whole), len(whole) + 9)}, MARKS_REQUEST
    )
    assert refusal(service.speaker).detail.retryable


def test_a_cancelled_job_stops_asking(service: Service) -> None:
    body = b'{"time":0,"type":"word","start":0,"end":5,"value":"Hello"}'
    service.stubber.add_response(
        "synthesize_speech", {"AudioStream": StreamingBody(BytesIO(body), len(body))}, MARKS_REQUEST
    )

    def stop(_fraction: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        service.speaker.synthesise("Hello.", JOANNA, stop)


def test_a_script_that_sounds_like_nothing_is_refused(service: Service) -> None:
    assert refusal(service.speaker, "... !").detail.code is ErrorCode.INVALID_REQUEST
    service.expect("☙", [], sound((0.5, 0.0)))
    assert refusal(service.speaker, "☙").detail.code is ErrorCode.INVALID_REQUEST


def test_a_voice_that_polly_does_not_have_is_spoken_by_the_other(service: Service) -> None:
    assert service.speaker.synthesise("שלום", voices()["noa"]) is SILENCE
    assert service.fallback.asked == ["noa"]
    assert PollySpeaker(service.client, EspeakSynthesiser()).synthesise("שלום", voices()["noa"]).seconds > 0.3


def test_it_names_itself(service: Service) -> None:
    assert service.speaker.about == "polly"
