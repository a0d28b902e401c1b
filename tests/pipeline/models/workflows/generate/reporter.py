"""A reporter that remembers what it was told."""

from pipeline.core.stages import JobAbandoned


class Reporter:
    """Hears everything; stops the job at the report that ``stop`` says."""

    def __init__(self, stop=lambda _message: False):
        self.stop, self.progress, self.messages, self.progress_images = stop, [], [], []

    def report(self, progress, _stage, message, _timeline):
        self.progress.append(progress)
        self.messages.append(message)
        if self.stop(message):
            raise JobAbandoned

    def check(self):
        pass

    def report_progress_image(self, picture):
        self.progress_images.append(picture)
