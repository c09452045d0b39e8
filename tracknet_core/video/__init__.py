"""Frames out of a video, a folder of images, a camera, a stream or arrays, and into a video.

Frame ``n`` is the n-th picture that a viewer sees: its position in the sorted list of presentation times, which one
pass over the packets gives without decoding. That holds for videos with B-frames, with a variable frame rate, and in
containers that seek only roughly, where counting pictures after a seek or multiplying by the frame rate goes wrong.
A frame that is damaged keeps its number, so that those of the others stay.

Pixel coordinates have the centre of the top-left pixel at (0, 0). All resizing here keeps pixel centres
(:func:`tracknet_core.contracts.rescale`) and averages the pixels that it merges.
"""

from tracknet_core.video.ahead import DECODING_NICENESS, ahead
from tracknet_core.video.arrays import ArrayFrames, PassingFrames
from tracknet_core.video.decoding import LumaSource
from tracknet_core.video.encoding import VideoEncoder, suffix_for_sound, write_video
from tracknet_core.video.file import VideoFrames
from tracknet_core.video.images import IMAGE_SUFFIXES, ImageFrames, ImageSizeError, image_files, natural_order
from tracknet_core.video.live import ASSUMED_FPS, LiveFrames

__all__ = [
    "ASSUMED_FPS",
    "DECODING_NICENESS",
    "IMAGE_SUFFIXES",
    "ArrayFrames",
    "ImageFrames",
    "ImageSizeError",
    "LiveFrames",
    "LumaSource",
    "PassingFrames",
    "VideoEncoder",
    "VideoFrames",
    "ahead",
    "image_files",
    "natural_order",
    "suffix_for_sound",
    "write_video",
]
