"""The open channel (开放票): how many answers came in a quarter of a day, for whoever asks whether it was stuffed."""

from datetime import date

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from survey.extensions import Base


class OpenCount(Base):
    """Pages cast by the open link of a group on a day (Asia/Shanghai) in a band of six hours, 0 to 3.

    Nothing of a browser, an address or an hour is kept; `cast` changes by SQL expression only.
    """

    __tablename__ = "open_count"
    group_id: Mapped[int] = mapped_column(ForeignKey("rater_group.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    band: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    cast: Mapped[int] = mapped_column(default=0)
