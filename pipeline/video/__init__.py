"""Video and audio processing, frame by frame and block by block: no video is ever held in memory as a whole.

Reading, writing and filtering use ffmpeg's libraries through PyAV. Its wheels bundle them for every platform. Frames
and samples pass within the process instead of through pipes, one library decodes, encodes and filters, and the
transcription network needs PyAV anyway. The wheels contain x264, whose GPL binds anyone who distributes them.
"""

FPS = 25  # frames per second of every video
