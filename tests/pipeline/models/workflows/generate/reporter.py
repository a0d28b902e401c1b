"""Progress reporter that records all calls."""

from pipeline.core.stages import JobAbandoned


class Reporter:
    """Reporter that records all calls; stops the job when ``stop`` returns True."""

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
