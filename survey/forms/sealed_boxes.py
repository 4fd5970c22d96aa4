"""Forms of the ceremonies of a sealed box: proving that a share was copied, entering a share."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from survey.forms.accounts import NEEDED


class CopiedForm(FlaskForm):
    """The last letters of a share, typed from the trustee's copy."""

    carried = HiddenField()
    letters = StringField(lazy_gettext("The last four letters on your copy"), [InputRequired(NEEDED), Length(max=20)])


class ShareForm(FlaskForm):
    """One trustee's share; `carried` is the other one, sealed, on the second page."""

    carried = HiddenField()
    share = TextAreaField(lazy_gettext("Your share"), [InputRequired(NEEDED), Length(max=500)])
