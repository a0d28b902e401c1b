"""Request validation: valid and invalid parameters."""

import pytest
from pydantic import TypeAdapter, ValidationError

from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.kinds import Kind
from darkroom.contract.params import FaceSwapParams, GenerateParams, InpaintParams, RestyleRoomParams, Room
from darkroom.contract.requests import (
    BaseRequest,
    JobRequest,
    UpscaleRequest,
    resolve_engine,
)


@pytest.mark.parametrize("name", ["couch", "sofa", " Sofa ", "COUCH"])
def test_a_thing_may_be_called_what_people_call_it(name: str) -> None:
    assert RestyleRoomParams(style="modern", keep=(name,)).keep == ("couch",)


@pytest.mark.parametrize(("name", "said"), [("sofaa", "did you mean 'sofa'"), ("zzz", "choose among: person, bicycle")])
def test_a_thing_that_no_detector_knows_is_refused_with_a_way_out(name: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        RestyleRoomParams(style="modern", keep=[name])


@pytest.mark.parametrize(
    "params",
    [
        {"strength": 0},
        {"steps": 0},
        {"steps": 51},
        {"guidance": 0.5},
        {"depth_scale": 2.1},
        {"edges_scale": -0.1},
        {"seed": 2**32},
        {"prompt": "x" * 501},
        {"keep": ["sofa"] * 21},
        {"keep_at": [(0.5, 0.5)] * 21},
        {"keep_at": [(0.5, 1.01)]},
        {"keep_at": [(-0.1, 0.5)]},
        {"keep_at": [(0.5, float("nan"))]},
        {"keep_at": [(0.5,)]},
        {"profile": "slow"},
        {"format": "gif"},
        {"control_scales": [0.8]},
    ],
)
def test_values_out_of_bounds_and_unknown_names_are_refused(params: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        RestyleRoomParams(style="modern", **params)


def test_the_defaults_keep_people_and_hurry() -> None:
    params = RestyleRoomParams(style="modern", room=Room.KITCHEN)
    assert (params.keep_people, params.profile, params.format) == (True, "fast", "jpeg")


@pytest.mark.parametrize("given", ["largest", "all", "0", "12", 3])
def test_faces_are_chosen_by_word_or_number(given: object) -> None:
    assert FaceSwapParams.model_validate({"consent": True, "faces": given}).faces == str(given)


@pytest.mark.parametrize("given", ["seven", "-1", "100", -1, 100, True, 1.0, None])
def test_other_choices_of_faces_are_told_what_there_is(given: object) -> None:
    with pytest.raises(ValidationError, match=r"largest, all, or a number|valid string"):
        FaceSwapParams.model_validate({"consent": True, "faces": given})


@pytest.mark.parametrize("consent", [{}, {"consent": False}, {"consent": "yes"}])
def test_a_face_swap_takes_consent_and_nothing_that_looks_like_it(consent: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="consent"):
        FaceSwapParams.model_validate(consent)


@pytest.mark.parametrize(
    ("params", "fits"),
    [
        ({"prompt": "a fox", "negative_prompt": "blur"}, False),
        ({"prompt": "a fox", "negative_prompt": "blur", "profile": "quality"}, True),
        ({"prompt": ""}, False),
        ({"prompt": "a fox", "count": 5}, False),
        ({"prompt": "a fox", "style": "oil"}, False),
        ({"prompt": "a fox", "aspect": "16:10"}, False),
    ],
)
def test_a_negative_prompt_is_taken_only_where_it_does_something(params: dict[str, object], fits: bool) -> None:
    if fits:
        GenerateParams.model_validate(params)
    else:
        with pytest.raises(ValidationError):
            GenerateParams.model_validate(params)


def test_a_hole_needs_a_prompt_before_a_negative_one() -> None:
    with pytest.raises(ValidationError, match="only with a prompt"):
        InpaintParams(negative_prompt="people")
    assert InpaintParams(prompt="a lamp", negative_prompt="people").format == "png"


@pytest.mark.parametrize(
    ("kind", "asked", "default", "chosen"),
    [
        (Kind.UPSCALE, None, Engine.PREVIEW, Engine.PREVIEW),
        (Kind.UPSCALE, Engine.MODELS, Engine.PREVIEW, Engine.MODELS),
        (Kind.GENERATE, None, Engine.PREVIEW, Engine.MODELS),
    ],
)
def test_who_does_a_kind_is_known_before_anything_is_queued(
    kind: Kind, asked: Engine | None, default: Engine, chosen: Engine
) -> None:
    assert resolve_engine(kind, asked, default) is chosen


def test_an_engine_that_cannot_is_refused_by_name() -> None:
    with pytest.raises(DarkroomError, match="models") as raised:
        resolve_engine(Kind.GENERATE, Engine.PREVIEW, Engine.PREVIEW)
    assert raised.value.detail.code is ErrorCode.ENGINE_UNAVAILABLE


def test_an_asset_may_stand_where_an_upload_is_expected() -> None:
    uploads = {"photo": {"asset_id": "a" * 32}}
    assert UpscaleRequest.model_validate({"kind": "upscale", "uploads": uploads}).uploads.photo.asset_id == "a" * 32
    with pytest.raises(ValidationError):
        UpscaleRequest.model_validate({"kind": "upscale", "uploads": {"photo": {"asset_id": "mine"}}})


def test_a_prompt_of_nothing_but_white_space_is_none() -> None:
    assert InpaintParams(prompt=" \n ").prompt == ""
    assert InpaintParams(prompt="  a plant ").prompt == "a plant"
    with pytest.raises(ValidationError, match="negative_prompt"):
        InpaintParams(prompt="  ", negative_prompt="people")
    with pytest.raises(ValidationError, match="prompt"):
        GenerateParams(prompt="  ")
    assert GenerateParams(prompt=f"{'a' * 500} ").prompt == "a" * 500


PICTURE = {"content_type": "image/jpeg"}
AMARA = {"avatar": "amara"}
ASSET = {"asset_id": "a" * 32}


def speaking(kind: str, portrait: dict[str, str], **params: object) -> dict[str, object]:
    if kind == "render_video":
        return {"kind": kind, "params": {"script": "Hello.", **params}, "uploads": {"avatar": portrait}}
    scenes = [
        {"type": "image", "picture": "room", "script": "Nobody speaks in this picture."},
        {"type": "avatar", "avatar": "host", "script": "Hello."},
    ]
    return {"kind": kind, "params": {"scenes": scenes, **params}, "uploads": {"room": PICTURE, "host": portrait}}


@pytest.mark.parametrize("kind", ["render_video", "render_scenes"])
@pytest.mark.parametrize("portrait", [PICTURE, ASSET], ids=["upload", "asset"])
def test_a_portrait_of_ones_own_speaks_with_consent_alone(kind: str, portrait: dict[str, str]) -> None:
    requests: TypeAdapter[BaseRequest] = TypeAdapter(JobRequest)
    role = {"render_video": "avatar", "render_scenes": "host"}[kind]
    for consent in ({}, {"consent": None}):
        with pytest.raises(ValidationError, match=f"consent must be true: {role} is made to speak"):
            requests.validate_python(speaking(kind, portrait, **consent))
    for invalid in (False, "yes"):
        with pytest.raises(ValidationError, match="consent"):
            requests.validate_python(speaking(kind, portrait, consent=invalid))
    requests.validate_python(speaking(kind, portrait, consent=True))


@pytest.mark.parametrize("kind", ["render_video", "render_scenes"])
def test_avatars_of_the_service_speak_without_consent(kind: str) -> None:
    TypeAdapter(JobRequest).validate_python(speaking(kind, AMARA))


@pytest.mark.parametrize("kind", ["render_video", "render_scenes"])
def test_a_request_without_consent_is_written_as_in_earlier_versions(kind: str) -> None:
    """Its digest tells a replay of an idempotency key from another request, also across an upgrade."""
    requests: TypeAdapter[BaseRequest] = TypeAdapter(JobRequest)
    assert "consent" not in requests.validate_python(speaking(kind, AMARA)).model_dump_json()
    assert '"consent":true' in requests.validate_python(speaking(kind, PICTURE, consent=True)).model_dump_json()
