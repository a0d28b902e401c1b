"""Registry of kinds: one entry says what a kind is, and everything else that lists kinds is derived from it.

Derived are the requests (``requests.py``), the API's description, rate limits and budgets, the command and the demo,
``GET /config``, the studio's forms and ``docs/kinds.md``.
"""

from collections.abc import Mapping

from darkroom.contract.engine import Engine
from darkroom.contract.kind_definition import DemoSample, EngineSupport, FormLayout, KindDefinition
from darkroom.contract.open_enum import OpenEnum
from darkroom.contract.params import (
    FaceSwapParams,
    FindObjectsParams,
    GenerateParams,
    InpaintParams,
    RestyleRoomParams,
    UpscaleParams,
)
from darkroom.contract.uploads import (
    AvatarReference,
    FaceSwapUploads,
    InpaintUploads,
    NoUploads,
    PhotoUploads,
    ScenesUploads,
    VideoUploads,
)
from darkroom.contract.video_params import RenderScenesParams, RenderVideoParams


class Kind(OpenEnum):
    """Kind of a job."""

    RESTYLE_ROOM = "restyle_room"
    INPAINT = "inpaint"
    GENERATE = "generate"
    FACE_SWAP = "face_swap"
    UPSCALE = "upscale"
    FIND_OBJECTS = "find_objects"
    RENDER_VIDEO = "render_video"
    RENDER_SCENES = "render_scenes"


LIVING_ROOM = "living_room.jpg"
AMARA = AvatarReference(avatar="amara")

KINDS: Mapping[Kind, KindDefinition] = {
    Kind.RESTYLE_ROOM: KindDefinition(
        summary="Restyle a photographed room in its own geometry; what `keep` names stays as it is.",
        inputs="a photo",
        params=RestyleRoomParams,
        uploads=PhotoUploads,
        engines={
            Engine.MODELS: EngineSupport("YOLO, SAM 2, CLIP, depth, SD 1.5 under two ControlNets", 30),
            Engine.PREVIEW: EngineSupport(
                "materials in perspective under the photo's own light",
                6,
                ignored_params=(
                    *("keep", "keep_people", "prompt", "negative_prompt"),
                    *("profile", "steps", "guidance", "depth_scale", "edges_scale"),
                ),
            ),
        },
        form=FormLayout(
            icon="room",
            visible=("strength", "prompt", "room", "keep", "seed"),
            custom_panel=("style", "keep_at"),
        ),
        drafts=True,
        demo=DemoSample(
            files={"photo": LIVING_ROOM},
            params={"style": "scandinavian"},
            own="PHOTO=me.jpg",
            command="me.jpg --style {style}",
        ),
    ),
    Kind.INPAINT: KindDefinition(
        summary="Fill a hole in a photo: with what is around it, or with what a prompt says.",
        inputs="a photo, a mask (white = fill)",
        params=InpaintParams,
        uploads=InpaintUploads,
        engines={
            Engine.MODELS: EngineSupport("AOT-GAN; with a prompt, SD 1.5 inpainting", 30),
            Engine.PREVIEW: EngineSupport(
                "patches of the surroundings at several scales",
                10,
                ignored_params=("prompt", "negative_prompt", "steps", "guidance"),
            ),
        },
        form=FormLayout(icon="brush", visible=("prompt",)),
        drafts=True,
        demo=DemoSample(
            files={"photo": LIVING_ROOM, "mask": "living_room_mask.png"},
            sheet="filled.png",
            own="PHOTO=me.jpg MASK=mask.png",
            command="me.jpg --mask mask.png",
        ),
    ),
    Kind.GENERATE: KindDefinition(
        summary="Make pictures from words.",
        inputs="words",
        params=GenerateParams,
        uploads=NoUploads,
        engines={
            Engine.MODELS: EngineSupport("SDXL-Lightning in four steps; SDXL in thirty", 20),
        },
        rate="10/60",
        form=FormLayout(
            icon="make",
            beside_files=("prompt",),
            visible=("aspect", "count", "profile"),
            custom_panel=("style",),
            compared_role=None,
        ),
    ),
    Kind.FACE_SWAP: KindDefinition(
        summary="Put the face of one picture into another, with the consent of everybody shown.",
        inputs="two pictures, and consent",
        params=FaceSwapParams,
        uploads=FaceSwapUploads,
        engines={
            Engine.MODELS: EngineSupport("InsightFace and inswapper, behind an operator's switch: research only", 15),
            Engine.PREVIEW: EngineSupport("cascades, an affine and Poisson blending", 5),
        },
        rate="5/60",
        form=FormLayout(icon="user", visible=("faces", "consent"), compared_role="target"),
        drafts=True,
        demo=DemoSample(
            files={"source": "face_source.jpg", "target": "face_target.jpg"},
            params={"consent": True},
            sheet="swapped.png",
            own="SOURCE=face.jpg TARGET=me.jpg CONSENT=yes",
            command="face.jpg me.jpg --consent",
        ),
    ),
    Kind.UPSCALE: KindDefinition(
        summary="Enlarge a picture.",
        inputs="a picture",
        params=UpscaleParams,
        uploads=PhotoUploads,
        engines={
            Engine.MODELS: EngineSupport("Real-ESRGAN for photos and for drawings, in tiles", 20),
            Engine.PREVIEW: EngineSupport("Lanczos, sharpened along edges", 5, ignored_params=("content",)),
        },
        rate="5/60",
        form=FormLayout(icon="zoom_in", visible=("scale", "content")),
        drafts=True,
        demo=DemoSample(
            files={"photo": LIVING_ROOM},
            params={"scale": 4.0},
            sheet="detail.png",
            own="PHOTO=small.jpg",
            command="small.jpg --scale 4",
            reduce=True,
        ),
    ),
    Kind.FIND_OBJECTS: KindDefinition(
        summary="Find the things in a photo, with their outlines: what `keep_at` of `restyle_room` may point at.",
        inputs="a photo",
        params=FindObjectsParams,
        uploads=PhotoUploads,
        engines={
            Engine.MODELS: EngineSupport(
                "YOLO and SAM 2: names, outlines; a restyling of the same photo reuses them", 5
            ),
            Engine.PREVIEW: EngineSupport(
                "what is not bare wall, floor or ceiling, parted by colour; without names", 4
            ),
        },
        rate="20/60",
        form=FormLayout(icon="find", compared_role=None),
        demo=DemoSample(files={"photo": LIVING_ROOM}, sheet="found.png", own="PHOTO=me.jpg", command="me.jpg"),
    ),
    Kind.RENDER_VIDEO: KindDefinition(
        summary="Have a portrait speak, with the consent of the person shown: a script, or a recorded voice.",
        inputs="a portrait, and a script or a voice",
        params=RenderVideoParams,
        uploads=VideoUploads,
        engines={
            Engine.MODELS: EngineSupport(
                "Ditto, driven by the voice; faster-whisper hears recorded ones", 60, per_video_second=6
            ),
            Engine.PREVIEW: EngineSupport(
                "an animated still: the camera moves, the mouth opens as loud as the voice, eyes blink. No lip-sync",
                5,
                per_video_second=2,
            ),
        },
        rate="3/300",
        makes_video=True,
        form=FormLayout(
            icon="video",
            beside_files=("script",),
            visible=("voice", "aspect", "subtitles", "consent"),
            compared_role=None,
        ),
        demo=DemoSample(
            files={"avatar": AMARA},
            params={
                "script": "Hello! I am Amara, and nobody ever took a photo of me. "
                "Give me your words, and I will say them for you.",
                "subtitles": "both",
                "aspect": "9:16",
            },
            sheet="frames.png",
            photo="avatar",
            own="PHOTO=me.jpg CONSENT=yes",
            command='me.jpg --script "Hello there." --subtitles both --consent',
        ),
    ),
    Kind.RENDER_SCENES: KindDefinition(
        summary="Join scenes into one video: pictures, generated pictures and avatars, each with its own words.",
        inputs="2 to 20 scenes: pictures, words, portraits",
        params=RenderScenesParams,
        uploads=ScenesUploads,
        engines={
            Engine.MODELS: EngineSupport(
                "scenes as in `render_video`, and pictures from words", 60, per_video_second=6
            ),
            Engine.PREVIEW: EngineSupport(
                "scenes as in `render_video`, joined by cuts, fades and slides, with music under them",
                5,
                per_video_second=2,
            ),
        },
        rate="2/300",
        makes_video=True,
        form=FormLayout(
            icon="scenes",
            beside_files=("scenes",),
            visible=("aspect", "transition", "subtitles", "music_volume", "consent"),
            compared_role=None,
        ),
        demo=DemoSample(
            files={"scene_1_picture": LIVING_ROOM, "scene_2_avatar": AMARA, "music": "music.ogg"},
            params={
                "scenes": [
                    {
                        "type": "image",
                        "picture": "scene_1_picture",
                        "script": "This is a living room, and it has waited long for somebody to look at it.",
                    },
                    {
                        "type": "avatar",
                        "avatar": "scene_2_avatar",
                        "script": "I like it as it is. But imagine what a little light would do!",
                    },
                    {"type": "image", "picture": "scene_1_picture", "seconds": 3},
                ],
                "subtitles": "both",
                "aspect": "16:9",
                "transition": "fade",
            },
            sheet="frames.png",
            photo="scene_1_picture",
            own="PHOTO=room.jpg",
            command="scenes.json   (its --help shows such a file)",
        ),
    ),
}
VIDEO_KINDS = frozenset(kind for kind, definition in KINDS.items() if definition.makes_video)
DRAFT_KINDS = frozenset(kind for kind, definition in KINDS.items() if definition.drafts)
