"""Forms of campaigns: making one, and changing its days."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import DateField, IntegerField, SelectField, StringField
from wtforms.validators import InputRequired, Length, NumberRange

from survey.forms.accounts import NEEDED

DAY = lazy_gettext("Not a day: write it like 2026-05-11.")
YEAR = lazy_gettext("Write a year from 2000 to 2100.")


class CampaignForm(FlaskForm):
    """A new campaign."""

    name = StringField(lazy_gettext("Name of the campaign"), [InputRequired(NEEDED), Length(max=200)])
    year = IntegerField(
        lazy_gettext("Year"), [InputRequired(YEAR), NumberRange(2000, 2100, YEAR)], invalid_value_message=YEAR
    )
    first_day = DateField(lazy_gettext("First day"), [InputRequired(DAY)], invalid_value_message=DAY)
    last_day = DateField(lazy_gettext("Last day"), [InputRequired(DAY)], invalid_value_message=DAY)
    template = SelectField(lazy_gettext("Template"))


class DaysForm(FlaskForm):
    """New days of a campaign."""

    first_day = DateField(lazy_gettext("First day"), [InputRequired(DAY)], invalid_value_message=DAY)
    last_day = DateField(lazy_gettext("Last day"), [InputRequired(DAY)], invalid_value_message=DAY)
