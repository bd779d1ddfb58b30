"""What a measurement found, beside what is wanted of it: a table and an exit code. Used by the scripts here."""
import math
import os
import platform
import sys


def percentile(values, share):
    """The smallest value that at least `share` of them do not exceed; nan of none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan

WIDEST = 50  # a column; what is longer moves the rest of its line


class Report:
    def __init__(self):
        self.rows, self.failed = [], False

    def say(self, what, found):
        self.rows.append(("", what, found, ""))

    def hold(self, what, found, wanted, good):
        """A criterion; `good` says whether it is met."""
        self.failed = self.failed or not good
        self.rows.append(("ok" if good else "FAILED", what, found, wanted))

    def finish(self):
        """Prints the table and ends the program: 1 when a criterion failed."""
        print(f"machine: {cpu_name()}, {os.cpu_count()} CPUs; command: {' '.join(sys.argv)}")
        widths = [min(WIDEST, max(len(str(row[i])) for row in self.rows)) for i in range(3)]
        for row in self.rows:
            cells = [str(cell).ljust(width) for cell, width in zip(row, widths)]
            print("  ".join(cells + [f"wanted: {row[3]}" if row[3] else ""]).rstrip())
        sys.exit(1 if self.failed else 0)


def cpu_name():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()
