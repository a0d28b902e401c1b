"""Restyle a photo with the SDK: ``python first_picture.py PHOTO.jpg RESULT.jpg``.

It needs DARKROOM_ENDPOINT and DARKROOM_TOKEN.
"""

import os
import sys

from darkroom import Client, ClientError

photo, result = sys.argv[1:]
with Client(os.environ["DARKROOM_ENDPOINT"], os.environ["DARKROOM_TOKEN"]) as darkroom:
    try:
        job = darkroom.run(
            "restyle_room",
            photo,
            style="japandi",
            on_change=lambda job: print(f"{job.state} {job.progress:.0%} {job.message or ''}"),
        )
        darkroom.download(job, result)
    except ClientError as error:
        sys.exit(f"{error.code}: {error.message}")
