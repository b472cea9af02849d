"""Rivals timed side by side: in turn, in one run, medians and ratios. The one timing loop.

Needs nothing but Python, so that workers in other environments can import it.
"""

import importlib.metadata
import math
import os
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16")


class Timing(NamedTuple):
    """Seconds of one call: by the clock, and of all processors together."""

    wall: float
    processor: float


def side_by_side(
    works: Mapping[str, Callable], *, rounds: int = 7, warmups: int = 2, own_clock: bool = False
) -> dict[str, list[Timing]]:
    """Times every function in `works` once a round, so that a slow minute hits them all.

    Each round has another order: the threads of some rivals, onnxruntime's among them, spin
    for a while after their work, and take a core from whoever comes next.

    Args:
        works: mapping of a label to a function without arguments that returns when its work
            is done.
        rounds: how many timed calls of each.
        warmups: how many calls of each before, not counted.
        own_clock: the functions return the seconds by the clock that count, for a part of
            what they do.

    Returns:
        Mapping of label to a list of `rounds` timings.
    """
    for work in works.values():
        for _ in range(warmups):
            work()
    timings: dict[str, list[Timing]] = {label: [] for label in works}
    shuffled, order = random.Random(0), list(works)
    for _ in range(rounds):
        shuffled.shuffle(order)
        for label in order:
            wall, processor = time.perf_counter(), time.process_time()
            counted = works[label]()
            processor, wall = time.process_time() - processor, time.perf_counter() - wall
            timings[label].append(Timing(counted if own_clock else wall, processor))
    return timings


def processor_seconds(work: Callable) -> float:
    """The processor's time for a call of `work`, for `side_by_side(..., own_clock=True)`."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def print_comparison(title, timings, *, amount=None, unit="items"):
    """One line a rival: median, spread, rate, and how many times as long it takes as the first.

    Args:
        title: printed above.
        timings: what `side_by_side` returned; the first label is ours.
        amount: how many `unit` one call handles, for the rate column.
        unit: name of what is counted.
    """
    print(f"\n{title}")
    ours = next(iter(timings))
    for label, times in timings.items():
        walls = [timing.wall for timing in times]
        median = statistics.median(walls)
        rate = f"{amount / median:12.1f} {unit}/s" if amount else ""
        print(
            f"  {label:32s} {1000 * median:10.2f} ms  ({1000 * min(walls):.2f} to "
            f"{1000 * max(walls):.2f}){rate}   takes {median_ratio(timings, label, ours):5.2f} "
            "times the first",
            flush=True,
        )


def median_ratio(timings, label, other):
    """The median of `label`'s time divided by `other`'s, round by round.

    Both halves of a ratio saw the same minute of the machine.
    """
    pairs = zip(timings[label], timings[other], strict=True)
    return statistics.median(one.wall / two.wall for one, two in pairs)


def print_overheads(title, timings, *, steps):
    """Two lines a rival: time of a step, and percent above the first with a 95% interval.

    Args:
        title: printed above.
        timings: what `side_by_side` returned; the first label is what the others add to.
        steps: training steps in each call.
    """
    print(f"\n{title}")
    plain, *_ = timings.values()
    for label, times in timings.items():
        for clock in ("processor", "wall"):
            seconds = [getattr(timing, clock) for timing in times]
            line = (
                f"  {label:32s} {clock + ' time':14s} "
                f"{1000 * statistics.median(seconds) / steps:8.2f} ms a step"
            )
            if times is not plain:
                reference = [getattr(timing, clock) for timing in plain]
                ratios = [t / r for t, r in zip(seconds, reference, strict=True)]
                middle, low, high = (100 * (r - 1) for r in median_and_interval(ratios))
                line += f"  {middle:+6.1f} %  ({low:+.1f} to {high:+.1f})"
            print(line, flush=True)


def median_and_interval(values):
    """The median, and the two values that enclose the true one 19 times in 20.

    Their ranks are those of a fair coin's heads: nothing is assumed of the distribution.
    """
    values = sorted(values)
    rank = max(0, math.floor((len(values) - 1.96 * math.sqrt(len(values))) / 2))
    return statistics.median(values), values[rank], values[-1 - rank]


def environment_line(*packages):
    """Versions, processor with its flags, threads and switches that a number depends on."""
    versions = " ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    return (
        f"{time.strftime('%Y-%m-%d')} Python {sys.version.split()[0]} {versions}; "
        f"{_processor()}, {os.cpu_count()} processors, {_threads()}, "
        f"TF_ENABLE_ONEDNN_OPTS={os.environ.get('TF_ENABLE_ONEDNN_OPTS', 'unset')}"
    )


def _processor():
    information = Path("/proc/cpuinfo")
    fields = {}
    for line in information.read_text().splitlines() if information.exists() else []:
        name, _, value = line.partition(":")
        fields[name.strip()] = value.strip()
    flags = [flag for flag in FLAGS if flag in fields.get("flags", "").split()]
    name = fields.get("model name", platform.processor())
    return f"{platform.machine()} {name} ({' '.join(flags) or 'flags unknown'})"


def _threads():
    # Only where it is imported anyway: some rivals run without it.
    if not sys.modules.get("tensorflow"):
        return f"OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', 'unset')}"
    threading = sys.modules["tensorflow"].config.threading
    inside = threading.get_intra_op_parallelism_threads() or "all"
    between = threading.get_inter_op_parallelism_threads() or "all"
    return f"threads: {inside} inside an op, {between} between ops"
