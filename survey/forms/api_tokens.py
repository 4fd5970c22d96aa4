"""Forms of the read interface's tokens."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import IntegerField, SelectField, StringField
from wtforms.validators import InputRequired, Length, NumberRange

NEEDED = lazy_gettext("This field must be filled in.")


class TokenForm(FlaskForm):
    """A new token; the view sets the choices."""

    name = StringField(lazy_gettext("What the token is for"), [InputRequired(NEEDED), Length(max=100)])
    view = SelectField(lazy_gettext("What it may read"))
    school_code = SelectField(lazy_gettext("School (for a school's own figures)"))
    campaign = SelectField(lazy_gettext("Campaign"), coerce=int)
    days = IntegerField(
        lazy_gettext("Days until it ends"),
        [
            InputRequired(NEEDED),
            NumberRange(min=1, max=731, message=lazy_gettext("A whole number from 1 to 731, please.")),
        ],
    )
