"""Frames out of a video or a folder of images, and into a video."""

from tracknet_core.video.file import (
    IMAGE_SUFFIXES,
    ImageFrames,
    ImageSizeError,
    VideoFrames,
    decoded,
    demuxed,
    image_files,
    natural_order,
    open_to_read,
    quarter_turns,
    shown_size,
    to_rgb,
    write_video,
)

__all__ = [
    "IMAGE_SUFFIXES",
    "ImageFrames",
    "ImageSizeError",
    "VideoFrames",
    "decoded",
    "demuxed",
    "image_files",
    "natural_order",
    "open_to_read",
    "quarter_turns",
    "shown_size",
    "to_rgb",
    "write_video",
]
