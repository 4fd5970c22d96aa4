"""How many answers came by the open channel, counted with each cast by day and quarter of a day; never an hour."""

from datetime import datetime

from sqlalchemy import text

from survey.database import Statement, Values

HOURS = 6
COUNT = Statement(
    text(
        'INSERT INTO open_count (group_id, day, band, "cast") VALUES (:group, :day, :band, 1) '
        'ON CONFLICT (group_id, day, band) DO UPDATE SET "cast" = open_count."cast" + 1'
    )
)


def count_values(group_id: int, moment: datetime) -> Values:
    """Return the parameters of `COUNT`: day and band, 0 to 3, of a moment in the bureau's time zone."""
    return {"group": group_id, "day": moment.date().isoformat(), "band": moment.hour // HOURS}
