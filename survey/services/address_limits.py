"""Limits per address (限流) in the memory of one process: how often one came lately; nothing of it is written down."""

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Throttle:
    """Allows `most` acts of one address in `seconds`; addresses are kept as HMACs under a key of this process."""

    most: int
    seconds: float
    addresses: int = 10_000
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    _seen: OrderedDict[bytes, deque[float]] = field(default_factory=OrderedDict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def admits(self, address: str) -> bool:
        """Note one act of an address; return whether it is within the limit. One that is refused is not counted."""
        now, name = time.monotonic(), hmac.digest(self._key, address.encode(), hashlib.sha256)
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
