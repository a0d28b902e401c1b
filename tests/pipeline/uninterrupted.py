"""Decoders of uploads as tests call them: nobody cancels."""

from functools import partial

from pipeline.decoding.client import decode_picture
from pipeline.video import decoder


def go_on() -> None:
    """Check of a job that is not cancelled."""


decode = partial(decode_picture, check=go_on)
decode_voice = partial(decoder.decode_voice, check=go_on)
decode_stereo = partial(decoder.decode_stereo, check=go_on)
