"""Output files of a video job: the video, its poster and thumbnail, and its subtitles."""

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain, islice
from math import floor

from darkroom.contract.video_params import RenderVideoParams, VideoParams
from pipeline.core.arrays import Rgb
from pipeline.core.artifacts import SAVED, SavedFile, SavedSubtitles, SavedVideo
from pipeline.core.best_effort import best_effort
from pipeline.core.stages import Slot, Stage, StageContext
from pipeline.imaging.load_save import save_picture, save_thumbnail
from pipeline.imaging.resize import PROGRESS_IMAGE_SIDE, downscaled
from pipeline.subtitles.burner import SubtitleBurner, cannot_burn_reason, omitted_characters
from pipeline.subtitles.cues import Cue
from pipeline.subtitles.formats import srt, vtt
from pipeline.video import FPS
from pipeline.video.audio import StereoSamples
from pipeline.video.clip import Clip
from pipeline.video.encoder import encode_video
from pipeline.video.ken_burns import resize_to_cover
from pipeline.video.mix import mix_soundtrack
from pipeline.video.talking_portrait import CLIP, CUES, SPEECH, TRANSCRIPT, frame_count

LOUDNESS = -16.0  # LUFS: usual on the web
MIX_SHARE = 0.1  # share of this stage's time that mixing takes
PROGRESS_IMAGE_SECONDS = 1.0  # of work from one progress image to the next


class EncodeVideo(Stage):
    """Crop the animated portrait to its canvas, add subtitles and voice, and write all output files."""

    name = "encode"
    message = "Encoding the video"
    slot = Slot.CPU
    requires = (CLIP, SPEECH, TRANSCRIPT, CUES)
    provides = (SAVED,)

    def run(self, context: StageContext) -> None:
        """Encode the video. Raises what the progress reports raise, and then leaves no partial video."""
        params, speech, cues = context.params_as(RenderVideoParams), context[SPEECH], context[CUES]
        frames = frame_count(speech)
        sound = mix_soundtrack(
            [(0.0, speech.samples)],
            None,
            frames / FPS,
            context.folder / "sound.raw",
            music_volume=0,
            loudness=LOUDNESS,
            report=lambda part: context.report(MIX_SHARE * part),
        )
        with closing(cropped_frames(context[CLIP], *params.resolution.size(params.aspect), frames)) as pictures:
            context[SAVED] = save_video(
                pictures, sound, frames, cues, context[TRANSCRIPT].language, context, self.message
            )


def save_video(
    pictures: Iterator[Rgb],
    sound: Iterable[StereoSamples],
    frames: int,
    cues: Sequence[Cue],
    language: str,
    context: StageContext,
    message: str,
) -> tuple[SavedFile, ...]:
    """Write a video of ``frames`` frames, its poster, its thumbnail and its subtitles into the job's folder.

    ``pictures`` are its frames, height×width×3 uint8 sRGB, of the size that the params ask for; the first becomes the
    poster. ``sound`` are blocks of n×2 float32 at ``SAMPLE_RATE``. ``cues`` are shown as the params say, in
    ``language``, a BCP 47 tag. Reports the stage's progress from ``MIX_SHARE`` on, with ``message`` and the seconds
    done, and a progress image each second of work. If a report raises, no video is left.
    """
    params = context.params_as(VideoParams)
    width, height = params.resolution.size(params.aspect)
    first = next(pictures)
    stills = save_picture(first, None, context, name="poster"), save_thumbnail(first, context)
    shown: Iterable[Rgb] = chain((first,), pictures)
    burned, filed = _subtitle_forms(cues, params, context)
    if burned:
        shown = _burned(shown, SubtitleBurner(cues, width, height, language))
    path = context.folder / "result.mp4"

    def report(count: int) -> None:
        seconds = f"{floor(count / FPS)} of {frames / FPS:.0f} s"
        context.report(MIX_SHARE + (1 - MIX_SHARE) * count / frames, f"{message}: {seconds}")

    shown = _with_progress_images(shown, context.report_progress_image)
    encode_video(path, shown, sound, width, height, on_frame=report)
    video = SavedVideo("result", path, "video/mp4", width, height, frames / FPS, frames, float(FPS))
    return (video, *stills, *(_save_subtitles(cues, language, context) if filed else ()))


def cropped_frames(clip: Clip, width: int, height: int, frames: int) -> Generator[Rgb, None, None]:
    """Yield ``frames`` frames of a clip, height×width×3 uint8, cropped around its focus; the last one is held.

    Raises ``ValueError`` if the clip has no frames.
    """
    count = 0
    last: Rgb | None = None
    for frame in islice(clip.frames(), frames):
        last = resize_to_cover(frame, width, height, clip.focus)
        yield last
        count += 1
    for _ in range(count, frames):
        if last is None:
            raise ValueError("a clip has no frames")
        yield last


def _subtitle_forms(cues: Sequence[Cue], params: VideoParams, context: StageContext) -> tuple[bool, bool]:
    """Return whether to burn the cues in, and whether to save them as files.

    Cues that no font can draw are saved, and a note says so: what a recording says is not known before.
    """
    if not params.subtitles.burned:
        return False, params.subtitles.filed
    reason = cannot_burn_reason(cues)
    if reason is not None:
        context.notes.append(f"The subtitles are in files instead of the picture: {reason}.")
        return False, True
    omitted = omitted_characters(cues)
    if omitted:
        context.notes.append(f"Left out of the subtitles in the picture, as no font here has it: {' '.join(omitted)}")
    return True, params.subtitles.filed


def _burned(pictures: Iterable[Rgb], burner: SubtitleBurner) -> Iterator[Rgb]:
    """Draw the subtitles into a video's frames."""
    for number, picture in enumerate(pictures):
        seconds = number / FPS
        # A still picture is yielded repeatedly, so it must not be drawn on.
        yield picture if burner.overlay(seconds) is None else burner.burn(picture.copy(), seconds)


def _with_progress_images(pictures: Iterable[Rgb], show: Callable[[Rgb], None]) -> Iterator[Rgb]:
    """Yield a video's frames, and show one as a progress image each ``PROGRESS_IMAGE_SECONDS``."""
    due = time.monotonic() + PROGRESS_IMAGE_SECONDS
    for picture in pictures:
        if time.monotonic() >= due:
            with best_effort("progress picture"):
                show(downscaled(picture, PROGRESS_IMAGE_SIDE))
            due = time.monotonic() + PROGRESS_IMAGE_SECONDS
        yield picture


def _save_subtitles(cues: Sequence[Cue], language: str, context: StageContext) -> Iterator[SavedSubtitles]:
    """Write the subtitles into the job's folder as SubRip and WebVTT."""
    for file_format, text, content_type in (
        ("srt", srt(cues), "application/x-subrip"),
        ("vtt", vtt(cues, language), "text/vtt"),
    ):
        path = context.folder / f"subtitles.{file_format}"
        path.write_text(text, "utf-8", newline="")
        yield SavedSubtitles(file_format, path, content_type, file_format, language, len(cues))
