"""The form that deletes a campaign or its ballots: what, why, and the campaign's name typed in full."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from survey.forms.accounts import NEEDED


class DeletionForm(FlaskForm):
    """The view sets the choices, by the state of the campaign."""

    what = SelectField(lazy_gettext("What is deleted"), [InputRequired(NEEDED)])
    reason = TextAreaField(lazy_gettext("Reason"), [InputRequired(NEEDED), Length(max=200)])
    name = StringField(lazy_gettext("The campaign's name, typed in full"), [InputRequired(NEEDED), Length(max=200)])
