"""Moving pictures and their sound, a frame and a block at a time: nothing here holds a whole video.

What reads, writes and filters is ffmpeg's libraries through PyAV: its wheels carry them for every platform, frames and
samples pass within the process instead of through pipes, one library decodes, encodes and filters, and the network
that transcribes needs it anyway. Those wheels contain x264, which is GPL: that binds whoever ships them.
"""

FPS = 25  # frames a second, of every video
