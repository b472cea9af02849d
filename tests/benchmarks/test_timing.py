import itertools

import pytest


def test_every_rival_works_once_a_round_in_changing_order(benchmarks):
    timing, calls = benchmarks("timing"), []
    works = {name: lambda name=name: calls.append(name) for name in "abc"}
    timings = timing.side_by_side(works, rounds=8, warmups=1)
    assert calls[:3] == ["a", "b", "c"]
    rounds = [tuple(calls[i : i + 3]) for i in range(3, len(calls), 3)]
    assert all(sorted(one) == ["a", "b", "c"] for one in rounds)
    assert len(set(rounds)) > 1
    assert [len(times) for times in timings.values()] == [8, 8, 8]


def test_own_clock_counts_what_the_work_returns(benchmarks):
    timing, seconds = benchmarks("timing"), itertools.count()
    timings = timing.side_by_side({"a": lambda: next(seconds)}, rounds=3, own_clock=True)
    assert [time.wall for time in timings["a"]] == [2, 3, 4]


def test_ratios_are_taken_round_by_round(benchmarks):
    timing = benchmarks("timing")
    times = {
        name: [timing.Timing(wall, 0) for wall in walls]
        for name, walls in {"ours": [1, 10, 100], "theirs": [2, 20, 150]}.items()
    }
    assert timing.median_ratio(times, "theirs", "ours") == 2


def test_comparison_prints_median_rate_and_ratio(benchmarks, capsys):
    timing = benchmarks("timing")
    times = {"ours": [timing.Timing(0.5, 0)] * 3, "theirs": [timing.Timing(1.0, 0)] * 3}
    timing.print_comparison("title", times, amount=10, unit="texts")
    lines = capsys.readouterr().out.splitlines()
    assert "20.0 texts/s" in lines[2]
    assert "10.0 texts/s" in lines[3]
    assert lines[3].endswith("takes  2.00 times the first")


def test_overheads_are_percent_above_the_first(benchmarks, capsys):
    timing = benchmarks("timing")
    plain = [timing.Timing(1.0 + i, 2.0 + i) for i in range(9)]
    slower = [timing.Timing(1.1 * time.wall, 1.5 * time.processor) for time in plain]
    timing.print_overheads("title", {"plain": plain, "slower": slower}, steps=10)
    lines = capsys.readouterr().out.splitlines()
    assert "+50.0 %" in lines[4]
    assert "+10.0 %" in lines[5]


def test_interval_encloses_the_median(benchmarks):
    median, low, high = benchmarks("timing").median_and_interval(range(101))
    assert (median, low, high) == (50, 40, 60)


@pytest.mark.parametrize("package", ["pytest"])
def test_environment_line_names_versions_and_flags(benchmarks, package):
    line = benchmarks("timing").environment_line(package)
    assert f"{package} {pytest.__version__}" in line
    assert "processors" in line
