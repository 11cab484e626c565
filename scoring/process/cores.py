"""How many processor cores this process may use: its affinity, and its control group's quota."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def available(root: Path = ROOT, membership: Path = MEMBERSHIP) -> int:
    """Whole cores, at least one: half a core more would only make workers wait for each other."""
    cores = len(os.sched_getaffinity(0))
    quota = _quota(root, membership)
    return max(1, cores if quota is None else min(cores, int(quota)))


def _quota(root: Path, membership: Path) -> float | None:
    """The smallest quota of the group and all groups above it, in cores."""
    quotas = []
    for line in _read(membership).splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0":  # version 2; inside a container its own group is the root
            folder = root / path.lstrip("/")
            quotas += [
                _of_v2(each) for each in (folder, *folder.parents) if each.is_relative_to(root)
            ]
        elif "cpu" in controllers.split(","):
            quotas += [_of_v1(root / "cpu" / path.lstrip("/")), _of_v1(root / "cpu")]
    return min((quota for quota in quotas if quota is not None), default=None)


def _of_v2(folder: Path) -> float | None:
    quota, _, period = _read(folder / "cpu.max").partition(" ")
    return _cores(quota, period)


def _of_v1(folder: Path) -> float | None:
    return _cores(_read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us"))


def _cores(quota: str, period: str) -> float | None:
    try:
        return int(quota) / int(period) if int(quota) > 0 else None
    except (ValueError, ZeroDivisionError):  # "max", or no such file
        return None


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except OSError:
        return ""
