"""Timeline of a multi-scene video: the frames and speech of each scene."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.scenes import Transition
from darkroom.contract.video_params import RenderScenesParams
from pipeline.scenes.timeline import SceneDuration, build_timeline, timeline_of, transition_frames, transitions_of
from pipeline.video import FPS
from pipeline.video.transitions import overlaps

SECONDS = st.none() | st.floats(0.01, 60)
LENGTHS = st.lists(st.builds(SceneDuration, SECONDS, SECONDS), min_size=2, max_size=20)


@st.composite
def videos(draw):
    lengths = draw(LENGTHS)
    transitions = draw(
        st.lists(st.sampled_from(Transition), min_size=len(lengths) - 1, max_size=len(lengths) - 1).map(tuple)
    )
    return lengths, transitions, draw(st.integers(1, 50))


@given(videos())
def test_scene_lengths_minus_overlaps_add_up_to_the_videos_length(video):
    lengths, transitions, shared = video
    timeline = build_timeline(lengths, transitions, shared)
    progress_images = overlaps([span.frames for span in timeline.spans], transitions, shared)
    assert timeline.frames == sum(span.frames for span in timeline.spans) - sum(progress_images)
    assert timeline.seconds == timeline.frames / FPS
    assert timeline.spans[0].start == 0
    for span, after, overlap in zip(timeline.spans, timeline.spans[1:], progress_images, strict=False):
        assert span.start + span.frames - overlap == after.start
        assert span.overlap_after == after.overlap_before == overlap
    assert set(progress_images) <= {0, shared}


@given(videos())
def test_every_scene_is_visible_alone_and_has_its_requested_length(video):
    lengths, transitions, shared = video
    for length, span in zip(lengths, build_timeline(lengths, transitions, shared).spans, strict=True):
        assert span.frames > span.overlap_before + span.overlap_after
        assert span.frames / FPS >= (length.min_seconds or 0) - 1e-9
        if length.speech is None and length.min_seconds is None:
            assert span.frames / FPS >= 4


@given(videos())
def test_voices_are_heard_while_their_scene_is_visible_alone(video):
    lengths, transitions, shared = video
    timeline = build_timeline(lengths, transitions, shared)
    speech_end = 0.0
    for length, span in zip(lengths, timeline.spans, strict=True):
        if length.speech is None:
            continue
        assert span.speech_start >= (span.start + span.overlap_before) / FPS
        assert span.speech_start >= speech_end
        speech_end = span.speech_start + length.speech
        assert speech_end <= span.transition_start + 1e-9
    assert speech_end <= timeline.seconds + 1e-9


@given(videos())
def test_no_scene_is_longer_than_necessary(video):
    lengths, transitions, shared = video
    for length, span in zip(lengths, build_timeline(lengths, transitions, shared).spans, strict=True):
        least = length.min_seconds or (4 if length.speech is None else 0)
        around = (span.overlap_before + span.overlap_after) / FPS + 0.6
        transitions = 2 * max(span.overlap_before, span.overlap_after) / FPS
        assert span.frames / FPS <= max(least, around + (length.speech or 0), transitions) + 1 / FPS


def scenes(*scenes, **params):
    return RenderScenesParams.model_validate(
        {"scenes": [{"type": "image", "picture": "one", **scene} for scene in scenes], **params}
    )


def test_a_scene_has_its_own_transition_or_that_of_the_video():
    params = scenes({}, {"transition": "slide"}, {}, {"transition": "cut"}, transition_seconds=0.4)
    assert transitions_of(params) == (Transition.SLIDE, Transition.FADE, Transition.CUT)
    assert transition_frames(params) == 10


def test_a_silent_scene_lasts_four_seconds_and_a_speaking_one_its_speech():
    spans = build_timeline(
        [SceneDuration(None, None), SceneDuration(1.0, None), SceneDuration(None, 7)], [Transition.CUT] * 2, 12
    ).spans
    assert [span.frames / FPS for span in spans] == [4, 1.6, 7]


@pytest.mark.parametrize(
    ("spoken", "expected_text"),
    [({0: 300, 1: 298.8}, None), ({0: 300, 1: 298.81}, "would last 600.04 seconds"), ({0: 600}, "at least 601.2")],
)
def test_a_video_beyond_ten_minutes_is_rejected_with_its_length(spoken, expected_text):
    params = scenes({"script": "One."}, {"script": "Two."}, transition="cut")
    if expected_text is None:
        assert timeline_of(params, spoken).seconds == 600
        return
    with pytest.raises(DarkroomError) as raised:
        timeline_of(params, spoken)
    assert raised.value.detail.code is ErrorCode.TOO_LONG
    assert expected_text in raised.value.detail.message


def test_unknown_speech_counts_with_its_shortest_duration():
    silent = timeline_of(scenes({}, {}, transition="cut"), {})
    to_speak = timeline_of(scenes({"script": "Hm."}, {"voice_track": "track"}, transition="cut"), {})
    assert (silent.seconds, to_speak.seconds) == (8, 1.2)
