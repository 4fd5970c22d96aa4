"""The bureau's words on the public page of results."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import TextAreaField
from wtforms.validators import Length

LONGEST = 5000


class FeedbackForm(FlaskForm):
    """Plain text; an empty one takes the words away."""

    feedback = TextAreaField(lazy_gettext("What follows from the results"), [Length(max=LONGEST)])
