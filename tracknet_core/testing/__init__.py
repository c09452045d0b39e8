"""The conformance kit: does a component keep the contract of its kind?

For the tests of any package, with any test runner::

    from tracknet_core.testing import check_backbone, check_constructor

    def test_tiny_conv_is_a_backbone():
        check_constructor("backbones", TinyConv)
        check_backbone(TinyConv(in_channels=9, width=8), in_channels=9, size=(64, 32))

Every function returns None, or raises an AssertionError that says what the contract asks and what it got. Shapes are
compared for equality. Random numbers come from generators of their own with fixed seeds. Kinds that are types of
torch or Lightning (optimizers, schedulers, callbacks, loggers) need no check beyond :func:`check_constructor`.

Letters are those of :mod:`tracknet_core.contracts`.
"""

from tracknet_core.testing.clips import check_dataset
from tracknet_core.testing.constructors import check_constructor
from tracknet_core.testing.converters import check_converter
from tracknet_core.testing.formats import check_format
from tracknet_core.testing.mergers import check_merger
from tracknet_core.testing.models import check_model
from tracknet_core.testing.networks import check_backbone, check_decoder, check_head, check_input
from tracknet_core.testing.protocols import check_protocol
from tracknet_core.testing.targets import check_codec, check_loss
from tracknet_core.testing.trackers import check_tracker
from tracknet_core.testing.transforms import check_batch_transform, check_transform
from tracknet_core.testing.writers import check_writer

__all__ = [
    "check_backbone",
    "check_batch_transform",
    "check_codec",
    "check_constructor",
    "check_converter",
    "check_dataset",
    "check_decoder",
    "check_format",
    "check_head",
    "check_input",
    "check_loss",
    "check_merger",
    "check_model",
    "check_protocol",
    "check_tracker",
    "check_transform",
    "check_writer",
]
