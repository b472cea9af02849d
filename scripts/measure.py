"""Rivals timed side by side: in turn, in one run, medians and ratios."""

import importlib.metadata
import os
import platform
import statistics
import sys
import time


def side_by_side(works, *, rounds=7, warmups=2):
    """Times every function in `works` once a round, so that a slow minute hits them all.

    Args:
        works: mapping of a label to a function without arguments that returns when its work
            is done.
        rounds: how many timed calls of each.
        warmups: how many calls of each before, not counted.

    Returns:
        Mapping of label to a list of `rounds` seconds.
    """
    for work in works.values():
        for _ in range(warmups):
            work()
    seconds = {label: [] for label in works}
    for _ in range(rounds):
        for label, work in works.items():
            start = time.perf_counter()
            work()
            seconds[label].append(time.perf_counter() - start)
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


def environment_line(*packages):
    """Versions, threads and switches that a number depends on, as one line."""
    versions = " ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    return (
        f"{time.strftime('%Y-%m-%d')} Python {sys.version.split()[0]} {versions}; "
        f"{platform.machine()}, {os.cpu_count()} processors, "
        f"TF_ENABLE_ONEDNN_OPTS={os.environ.get('TF_ENABLE_ONEDNN_OPTS', 'unset')}"
    )
