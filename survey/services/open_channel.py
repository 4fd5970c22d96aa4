"""The open channel (开放票): one answer per browser, softly; a generous limit per address; counts by quarter of a day.

None of this proves one person, one vote, and nothing of it stands at a ballot: the device cookie is the sealed random
token of its own form, so that a second visit meets the mark of the first and is shown its receipt; the address is
counted in the memory of a process; the database learns how many answers came in six hours, no more.
"""

from survey.errors import BallotRefused
from survey.services.address_limits import Throttle
from survey.services.seals import unseal

# A market or a school is one address; a machine that stuffs the box is far above this.
BY_ADDRESS = Throttle(most=1500, seconds=600)


def admit(address: str) -> None:
    """Note that an address casts; raise BallotRefused (crowded) when it does so too often."""
    if not BY_ADDRESS.admits(address):
        raise BallotRefused("crowded")


def known_device(cookie: str | None, group_id: int) -> str | None:
    """Return the sealed token of a browser that came before, None for a new one or a cookie that is not ours."""
    if not cookie:
        return None
    try:
        holder = unseal(cookie)
    except BallotRefused:
        return None
    return cookie if holder.is_open and holder.group_id == group_id else None
