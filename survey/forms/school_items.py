"""Forms of schools' own items: the wording, and the bureau's decision."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField
from wtforms.validators import InputRequired, Length

from survey.forms.accounts import NEEDED


class ItemForm(FlaskForm):
    """The wording of an own item."""

    zh = StringField(lazy_gettext("Wording (Chinese)"), [InputRequired(NEEDED), Length(max=200)])
    en = StringField(lazy_gettext("Wording in English (may be left out)"), [Length(max=400)])


class DecisionForm(FlaskForm):
    """The bureau's decision; which button was pressed says what it is. seen: the wording that was decided on."""

    reason = StringField(lazy_gettext("Reason, for the school"), [Length(max=200)])
    seen = HiddenField()
