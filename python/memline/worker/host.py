"""What the parts of a worker share of the host they serve."""

from typing import NamedTuple

from .frames import Channel
from .memory import Meter


class Host(NamedTuple):
    channel: Channel
    meter: Meter
    root: str  # the app's folder, absolute
