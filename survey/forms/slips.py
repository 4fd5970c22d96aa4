"""Forms of slips: replacing the unused ones of a group, making extra ones."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import IntegerField, StringField
from wtforms.validators import InputRequired, Length, NumberRange

from survey.forms.accounts import NEEDED

NUMBER = lazy_gettext("Write a whole number from 1 to 500.")


class ReissueForm(FlaskForm):
    """Why the unused slips of a group are replaced."""

    reason = StringField(lazy_gettext("Reason"), [InputRequired(NEEDED), Length(max=200)])


class ExtraForm(FlaskForm):
    """How many extra slips, and why."""

    number = IntegerField(
        lazy_gettext("Number of slips"),
        [InputRequired(NUMBER), NumberRange(1, 500, NUMBER)],
        invalid_value_message=NUMBER,
    )
    reason = StringField(lazy_gettext("Reason"), [InputRequired(NEEDED), Length(max=200)])
