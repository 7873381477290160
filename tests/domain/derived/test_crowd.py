"""A crowd: what many devices read last, whoever comes and goes."""

from hypothesis import given
from hypothesis import strategies as st

from verger.domain.derived.crowd import Crowd

NAMES = st.sampled_from("abcdefghijklmnop")
LASTS = st.tuples(st.integers(1, 100), st.integers(-9, 9).map(float))
STEPS = st.lists(st.tuples(NAMES, st.none() | LASTS), max_size=60)


@given(STEPS, st.sets(NAMES), st.integers(0, 101))
def test_it_comes_to_what_the_readings_of_its_devices_come_to(
    steps: list[tuple[str, tuple[int, float] | None]], stay: set[str], since: int
) -> None:
    crowd, known = Crowd(), dict[str, tuple[int, float]]()
    for device, last in steps:
        crowd.put(device, last)
        known.pop(device, None)
        if last is not None:
            known[device] = last
    crowd.keep(stay)
    known = {device: last for device, last in known.items() if device in stay}
    assert dict(crowd.everything()) == known
    assert len(crowd) == len(known)
    assert [crowd.last(device) for device in "abcq"] == [known.get(device) for device in "abcq"]
    values = [value for at, value in known.values() if at >= since]
    assert crowd.joined("count", since) == len(values)
    for name, reckon in (("sum", sum), ("min", min), ("max", max)):
        assert crowd.joined(name, since) == (reckon(values) if values else None)
    assert crowd.joined("mean", since) == (sum(values) / len(values) if values else None)


def test_what_becomes_too_large_is_no_number_and_no_failure() -> None:
    crowd = Crowd()
    for device in "ab":
        crowd.put(device, (1, 1.7e308))
    assert crowd.joined("sum", 0) == float("inf")
