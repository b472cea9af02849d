"""Rivals timed side by side: in turn, in one run, medians and ratios."""

import importlib.metadata
import math
import os
import platform
import random
import statistics
import sys
import time
from pathlib import Path


def side_by_side(works, *, rounds=7, warmups=2, own_clock=False):
    """Times every function in `works` once a round, so that a slow minute hits them all.

    Each round has another order: the threads of some rivals, onnxruntime's among them, go on
    spinning for a while, and take a core from whoever comes next.

    Args:
        works: mapping of a label to a function without arguments that returns when its work
            is done.
        rounds: how many timed calls of each.
        warmups: how many calls of each before, not counted.
        own_clock: the functions return the seconds that count, for a part of what they do.

    Returns:
        Mapping of label to a list of `rounds` seconds.
    """
    for work in works.values():
        for _ in range(warmups):
            work()
    seconds = {label: [] for label in works}
    shuffled, order = random.Random(0), list(works)
    for _ in range(rounds):
        shuffled.shuffle(order)
        for label in order:
            start = time.perf_counter()
            counted = works[label]()
            seconds[label].append(counted if own_clock else time.perf_counter() - start)
    return seconds


def print_comparison(title, seconds, *, amount=None, unit="items"):
    """One line a rival: median, spread, rate, and how many times as fast the first one is.

    Args:
        title: printed above.
        seconds: what `side_by_side` returned; the first label is ours.
        amount: how many `unit` one call handles, for the rate column.
        unit: name of what is counted.
    """
    print(f"\n{title}")
    ours = next(iter(seconds.values()))
    for label, times in seconds.items():
        median = statistics.median(times)
        # Round by round: both halves of a ratio saw the same minute of the machine.
        ratio = statistics.median(t / o for t, o in zip(times, ours, strict=True))
        rate = f"{amount / median:12.1f} {unit}/s" if amount else ""
        print(
            f"  {label:32s} {1000 * median:10.2f} ms  ({1000 * min(times):.2f} to "
            f"{1000 * max(times):.2f}){rate}   takes {ratio:5.2f} times the first"
        )


def time_blocks(works, *, rounds, warmups=2):
    """Times short blocks of work, many times, in an order shuffled anew in each round.

    Args:
        works: mapping of a label to a function without arguments that returns when its block
            is done.
        rounds: how many timed blocks of each.
        warmups: how many blocks of each before, not counted.

    Returns:
        Mapping of label to a list of `rounds` pairs: seconds of all processors together, and
        seconds by the clock.
    """
    for work in works.values():
        for _ in range(warmups):
            work()
    seconds = {label: [] for label in works}
    shuffled, order = random.Random(0), list(works)
    for _ in range(rounds):
        shuffled.shuffle(order)
        for label in order:
            start = time.process_time(), time.perf_counter()
            works[label]()
            end = time.process_time(), time.perf_counter()
            seconds[label].append((end[0] - start[0], end[1] - start[1]))
    return seconds


def print_overheads(title, seconds, *, steps):
    """Two lines a rival: time of a step, and percent above the first, with their interval.

    Args:
        title: printed above.
        seconds: what `time_blocks` returned; the first label is what the others add to.
        steps: training steps in each block.
    """
    print(f"\n{title}")
    plain, *_ = seconds.values()
    for label, times in seconds.items():
        for clock, name in enumerate(("processor time", "wall time")):
            median = statistics.median(pair[clock] for pair in times)
            line = f"  {label:32s} {name:14s} {1000 * median / steps:8.2f} ms a step"
            if times is not plain:
                # Round by round: both halves of a ratio saw the same minute of the machine.
                ratios = [t[clock] / p[clock] for t, p in zip(times, plain, strict=True)]
                middle, low, high = (100 * (r - 1) for r in median_and_interval(ratios))
                line += f"  {middle:+6.1f} %  ({low:+.1f} to {high:+.1f})"
            print(line, flush=True)


def median_and_interval(values):
    """The median, and the two values that have the true one between them 19 times in 20.

    Their ranks are those of a fair coin's heads: nothing is assumed of how values scatter.
    """
    values = sorted(values)
    rank = max(0, math.floor((len(values) - 1.96 * math.sqrt(len(values))) / 2))
    return statistics.median(values), values[rank], values[-1 - rank]


def environment_line(*packages):
    """Versions, threads and switches that a number depends on, as one line."""
    versions = " ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    return (
        f"{time.strftime('%Y-%m-%d')} Python {sys.version.split()[0]} {versions}; "
        f"{_processor_name()}, {os.cpu_count()} processors, {_threads()}, "
        f"TF_ENABLE_ONEDNN_OPTS={os.environ.get('TF_ENABLE_ONEDNN_OPTS', 'unset')}"
    )


def _processor_name():
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return " ".join([platform.machine(), *names[:1]])


def _threads():
    # Only where it is imported anyway: some rivals run without it.
    if not sys.modules.get("tensorflow"):
        return f"OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', 'unset')}"
    threading = sys.modules["tensorflow"].config.threading
    inside = threading.get_intra_op_parallelism_threads() or "all"
    between = threading.get_inter_op_parallelism_threads() or "all"
    return f"threads: {inside} inside an op, {between} between ops"
