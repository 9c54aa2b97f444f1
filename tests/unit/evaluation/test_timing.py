"""Ratios by hand, from times that are given rather than measured."""

import pytest
from pack.evaluation.timing import Seconds, Timings, alternate


def seconds(*wall):
    return [Seconds(w, 2 * w) for w in wall]


def test_a_ratio_compares_within_a_round():
    # The machine is ten times slower in the second round; each round's own ratio is 1.5.
    timings = Timings({"guided": seconds(3, 30, 3), "plain": seconds(2, 20, 2)})
    ratio = timings.ratio({"guided": 1}, {"plain": 1})
    assert (ratio.median, ratio.low, ratio.high, ratio.cpu) == (1.5, 1.5, 1.5, 1.5)


def test_weights_put_a_run_together_from_its_steps():
    # 25 steps of 3 s and 25 of 2 s against 50 of 2 s.
    timings = Timings({"guided": seconds(3), "plain": seconds(2)})
    assert timings.ratio({"guided": 25, "plain": 25}, {"plain": 50}).median == pytest.approx(1.25)


def test_the_median_ignores_one_bad_round():
    timings = Timings({"guided": seconds(3, 3, 90), "plain": seconds(2, 2, 2)})
    ratio = timings.ratio({"guided": 1}, {"plain": 1})
    assert (ratio.median, ratio.low, ratio.high) == (1.5, 1.5, 45)


def test_turns_are_taken_and_the_order_turns():
    order = []

    def task(name):
        def run():
            order.append(name)
            return {name: Seconds(1, 1)}

        return run

    timings = alternate([task("a"), task("b"), task("c")], 3, lambda _: None)
    assert order == ["a", "b", "c", "b", "c", "a", "c", "a", "b"]
    assert {name: len(times) for name, times in timings.seconds.items()} == {"a": 3, "b": 3, "c": 3}
