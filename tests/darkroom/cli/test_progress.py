"""The live line of a job: what it waits for, and that the picture that is shown meanwhile is a draft."""

from darkroom.cli.progress import headline
from tests.darkroom.jobs import job

DRAFT = {"key": "previews/a/draft.jpg", "width": 1024, "height": 768, "url": "https://s3/draft", "draft": True}


def test_a_waiting_job_says_that_its_picture_is_a_draft_and_how_long_it_waits() -> None:
    message = "A draft by the preview engine, while the GPU wakes: this takes several minutes"
    waiting = job(4, "dispatched", attempt=1, message=message, preview=DRAFT)
    assert headline(waiting) == f"dispatched: {message}"
    assert waiting.preview is not None
    assert waiting.preview.draft


def test_a_progress_image_of_an_older_service_is_no_draft() -> None:
    older = {name: value for name, value in DRAFT.items() if name != "draft"}
    running = job(5, "running", stage="diffuse", message="Painting: 2 of 4", preview=older)
    assert headline(running) == "diffuse: Painting: 2 of 4"
    assert running.preview is not None
    assert not running.preview.draft
