"""Limits per address (限流) in the memory of one process: how often one came lately; nothing of it is written down."""

import hashlib
import hmac
import ipaddress
import secrets
import threading
import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field


def network_of(address: str) -> str:
    """Return what limits count an address as: IPv6 its /64, IPv4 written as IPv6 the IPv4, anything else itself.

    Every line of a home or a phone is given at least a /64 (RFC 6177, RFC 7278), so one person commands 2^64 addresses.
    """
    try:
        number = ipaddress.IPv6Address(address)
    except ValueError:
        return address
    if number.ipv4_mapped:
        return str(number.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(number), 64), strict=False))


@dataclass(kw_only=True)
class Throttle:
    """Allows `most` acts of one address (`network_of`) in `seconds`; kept are HMACs under a key of this process."""

    most: int
    seconds: float
    addresses: int = 10_000
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    _seen: OrderedDict[bytes, deque[float]] = field(default_factory=OrderedDict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def admits(self, address: str) -> bool:
        """Note one act of an address; return whether it is within the limit. One that is refused is not counted."""
        now, name = time.monotonic(), hmac.digest(self._key, network_of(address).encode(), hashlib.sha256)
        with self._lock:
            moments = self._seen.setdefault(name, deque())
            self._seen.move_to_end(name)
            while moments and moments[0] <= now - self.seconds:
                moments.popleft()
            if len(moments) >= self.most:
                return False
            moments.append(now)
            while len(self._seen) > self.addresses:
                self._seen.popitem(last=False)
            return True

    def forget(self) -> None:
        """Begin anew."""
        with self._lock:
            self._seen.clear()
