"""Limits per address: exact within the time, forgetful after it, and never an address in the clear."""

import pytest

from survey.services import address_limits
from survey.services.address_limits import Throttle, network_of


def test_one_too_many_is_refused_and_time_heals(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(address_limits.time, "monotonic", lambda: now[0])
    limit = Throttle(most=2, seconds=10)
    assert [limit.admits("a") for _number in range(3)] == [True, True, False]
    assert limit.admits("b")
    now[0] = 10.1
    assert limit.admits("a")


def test_memory_is_bounded_and_holds_no_address() -> None:
    limit = Throttle(most=1, seconds=10, addresses=5)
    assert all(limit.admits(f"10.0.0.{number}") for number in range(20))
    assert len(limit._seen) == 5
    assert "10.0.0." not in repr(list(limit._seen))
    limit.forget()
    assert limit.admits("10.0.0.19")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("192.0.2.7", "192.0.2.7"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_an_ipv6_address_counts_as_its_network(address: str, network: str) -> None:
    assert network_of(address) == network


def test_one_network_has_one_limit() -> None:
    limit = Throttle(most=1, seconds=10)
    assert limit.admits("2001:db8::1")
    assert not limit.admits("2001:db8::2")
    assert limit.admits("2001:db8:0:1::1")
    assert limit.admits("192.0.2.7")
    assert not limit.admits("::ffff:192.0.2.7")
