"""Forms of comments: a decision, a label."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import BooleanField, RadioField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

NEEDED = lazy_gettext("This field must be filled in.")


class ReviewForm(FlaskForm):
    """The wording that others may read, who may read it, and under which labels; the view sets the choices."""

    text = TextAreaField(lazy_gettext("Wording"), [InputRequired(NEEDED), Length(max=1000)])
    audience = RadioField(lazy_gettext("Who may read it"), [InputRequired(NEEDED)])
    reason = SelectField(lazy_gettext("Why it is rejected"), default="")
    themes = SelectMultipleField(
        lazy_gettext("Labels"),
        coerce=int,
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )


class ThemeForm(FlaskForm):
    """A label and the words that suggest it."""

    name = StringField(lazy_gettext("Label"), [InputRequired(NEEDED), Length(max=40)])
    words = StringField(lazy_gettext("Words that suggest it, divided by spaces"), [Length(max=300)])
    active = BooleanField(lazy_gettext("In use"), default=True)
