"""Check an evidence bundle offline: nothing but the file and the log's key from another day.

Every value that a bundle shows is compared with a log entry that speaks of it, or is reported as not proven. What no
bundle can prove by itself, such as that a figure of an assay is right, is proven to be what was told at the time.
"""

from moneyer.evidence.bundle import Bundle
from moneyer.evidence.report import Checked, Report

__all__ = ["Bundle", "Checked", "Report"]
