"""Subtitles: from the times of words to lines, to files, and into the picture."""
