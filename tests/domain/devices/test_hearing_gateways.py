"""Hearing: who stands behind a gateway is silent with it, and alerted only by itself."""

from tests.domain.devices.watching import BEHIND, GATEWAY, Watch


def test_behind_a_silent_gateway_only_the_gateway_is_alerted() -> None:
    watch = Watch()
    watch.word(BEHIND)
    watch.wait(100)
    assert (watch.silent(), watch.disk.alerts) == ({BEHIND}, set())
    watch.wait(30)
    assert (watch.silent(), watch.disk.alerts) == ({BEHIND, GATEWAY}, {GATEWAY})


def test_a_device_is_alerted_when_its_gateway_goes_on_speaking() -> None:
    watch = Watch()
    watch.word(BEHIND)
    for _ in range(4):
        watch.wait(30)
        watch.word(GATEWAY)
    watch.wait(5)
    assert watch.disk.alerts == {BEHIND}


def test_an_alert_ends_when_the_gateway_falls_silent_and_waits_once_it_is_back() -> None:
    watch = Watch()
    watch.word(BEHIND)
    watch.wait(70)
    watch.word(GATEWAY)
    watch.wait(10)
    assert watch.disk.alerts == {BEHIND}
    watch.wait(130)
    assert watch.disk.alerts == {GATEWAY}
    watch.word(GATEWAY)
    watch.wait(50)
    assert (watch.silent(), watch.disk.alerts) == ({BEHIND}, set())
    watch.word(GATEWAY)
    watch.wait(20)
    assert watch.disk.alerts == {BEHIND}


def test_who_stands_behind_a_gateway_that_came_back_has_its_time_after_a_restart_too() -> None:
    watch = Watch()
    watch.word(BEHIND)
    watch.wait(400)
    watch.word(GATEWAY)
    watch.wait(5)
    watch.save()
    watch.begin()
    watch.wait(50)
    assert watch.disk.alerts == set()
    watch.word(GATEWAY)
    watch.wait(20)
    assert watch.disk.alerts == {BEHIND}
