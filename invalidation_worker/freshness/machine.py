"""How busy the machine is, as Linux counts it: man 5 proc_stat."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class CpuTimes(NamedTuple):
    """Ticks of all processors since the machine started."""

    idle: int
    stolen: int  # given to other machines on the same hardware
    total: int

    @classmethod
    def now(cls) -> CpuTimes:
        line = Path("/proc/stat").read_text().partition("\n")[0]
        user, nice, system, idle, iowait, irq, softirq, steal, *_ = map(int, line.split()[1:])
        total = user + nice + system + idle + iowait + irq + softirq + steal
        return cls(idle + iowait, steal, total)


class CpuUse(NamedTuple):
    """Shares of all processors' time, from 0 to 1."""

    use: float  # whatever was not idle, stolen time included
    stolen: float

    @classmethod
    def between(cls, before: CpuTimes, after: CpuTimes) -> CpuUse:
        total = max(1, after.total - before.total)
        stolen = (after.stolen - before.stolen) / total
        return cls(1 - (after.idle - before.idle) / total, stolen)
