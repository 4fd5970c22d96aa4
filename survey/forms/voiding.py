"""The form that voids a unit: which one, and why."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import SelectField, TextAreaField
from wtforms.validators import InputRequired, Length

from survey.forms.accounts import NEEDED


class VoidForm(FlaskForm):
    """A unit of the school that is shown, and the reason; the view sets the choices."""

    unit = SelectField(lazy_gettext("Unit"), [InputRequired(NEEDED)])
    reason = TextAreaField(lazy_gettext("Reason"), [InputRequired(NEEDED), Length(max=200)])
