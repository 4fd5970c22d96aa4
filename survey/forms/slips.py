"""Forms of slips: replacing the unused ones of a group, making extra ones."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import IntegerField, StringField
from wtforms.validators import InputRequired, Length, NumberRange

from survey.forms.accounts import NEEDED
from survey.services.slips import MOST_EXTRA


class ReissueForm(FlaskForm):
    """Why the unused slips of a group are replaced."""

    reason = StringField(lazy_gettext("Reason"), [InputRequired(NEEDED), Length(max=200)])


class ExtraForm(FlaskForm):
    """How many extra slips, and why."""

    number = IntegerField(lazy_gettext("Number of slips"), [InputRequired(NEEDED), NumberRange(1, MOST_EXTRA)])
    reason = StringField(lazy_gettext("Reason"), [InputRequired(NEEDED), Length(max=200)])
