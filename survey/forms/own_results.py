"""The form of a rated person's reply."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import TextAreaField
from wtforms.validators import Length


class ReplyForm(FlaskForm):
    """What she says to her results; empty takes it back."""

    text = TextAreaField(lazy_gettext("Your reply"), [Length(max=1000)])
