"""Languages of texts, and the voice that is chosen by them."""

import pytest

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.languages import automatic_voice, check_letters, detect_language
from darkroom.contract.voices import voices


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("今天天气很好，我们去公园。", "zh"),
        ("我们用 Darkroom 吧", "zh"),
        ("今日はDarkroomです", "ja"),
        ("안녕하세요", "ko"),
        ("שלום Darkroom", "he"),
        ("مرحبا", "ar"),
        ("سلام، به خانه ما خوش آمدید", "fa"),
        ("Καλημέρα", "el"),
        ("Доброе утро", "ru"),
        ("Добрий вечір. Це кімната, якою вона була.", "uk"),
        ("नमस्ते, यह एक छोटा परीक्षण है। कल सुबह हम घर देखने चलेंगे।", "hi"),
        ("नमस्कार, हे आमचे नवीन घर आहे.", "mr"),
        ("สวัสดีครับ วันนี้เราจะไปดูบ้านหลังใหม่", "th"),
        ("நாளை காலை வீட்டைப் பார்ப்போம்.", "ta"),
        ("Este es el salón antes de la reforma.", "es"),
        ("Das ist das Zimmer, wie es war.", "de"),
        ("Det här är rummet som det var en gång.", "sv"),
        ("The sign 愛 means love, and that is all that I know of it.", "en"),
        ("This is the\x00 room as it was before.\n", "en"),
        ("Hi", None),
        ("Go.", None),
        ("3, 2, 1 … 😀", None),
        ("", None),
    ],
)
def test_the_language_is_detected_or_unknown(text: str, language: str | None) -> None:
    assert detect_language(text) == language


@pytest.mark.parametrize(
    ("script", "language", "voice"),
    [
        ("Hola, bienvenidos a nuestra nueva casa.", None, "lucia"),
        ("Guten Abend.", None, "vicki"),
        ("To jest pokój, jaki był.", None, "ola"),
        ("房间的照片", None, "zhiyu"),
        ("Hola, bienvenidos a nuestra nueva casa.", "en-GB", "amy"),  # as the caller says
        ("Welcome to Darkroom.", None, "joanna"),
        ("Hmm", None, "joanna"),
        ("Det här är rummet som det var en gång.", None, "joanna"),  # no voice speaks Swedish
    ],
)
def test_the_voice_speaks_the_language_of_the_script(script: str, language: str | None, voice: str) -> None:
    assert automatic_voice(script, language).name == voice


def test_a_script_too_short_to_tell_has_the_language_of_its_context() -> None:
    assert automatic_voice("¡Mira!", None, "¡Mira!\nEste es el salón antes de la reforma.").name == "lucia"


@pytest.mark.parametrize(("script", "language"), [("नमस्ते, यह एक छोटा परीक्षण है।", "hi"), ("สวัสดีครับ", "th")])
def test_a_script_that_no_voice_reads_is_refused(script: str, language: str) -> None:
    with pytest.raises(DarkroomError, match=rf"No voice speaks .* \({language}\)\. Upload a voice_track") as caught:
        automatic_voice(script, None)
    assert caught.value.detail.code is ErrorCode.INVALID_REQUEST


def test_a_voice_reads_its_own_letters_and_latin_ones() -> None:
    check_letters("今日はDarkroomです", voices()["takumi"])
    check_letters("3, 2, 1", voices()["joanna"])
    with pytest.raises(DarkroomError, match="letters of another language"):
        check_letters("今日はいい天気", voices()["joanna"])
