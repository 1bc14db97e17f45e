"""From novelty, in a unit of its own, to familiarity from 0 to 1."""

from .calibration import Calibration, correlation_time, held_out_blocks
from .cohort import CohortCalibration, z_norm
from .table import SMALLEST, normal_score

__all__ = [
    "SMALLEST",
    "Calibration",
    "CohortCalibration",
    "correlation_time",
    "held_out_blocks",
    "normal_score",
    "z_norm",
]
