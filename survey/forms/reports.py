"""The forms of reports: which documents a batch makes, and a template in place of ours."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField


class BatchForm(FlaskForm):
    """Which kinds of documents are made, and for whom."""

    word = BooleanField(lazy_gettext("Word"), default=True)
    pdf = BooleanField(lazy_gettext("PDF"), default=True)
    internal = BooleanField(lazy_gettext("With exact figures, for the bureau only"))


class TemplateForm(FlaskForm):
    """A Word file; what is in it is checked by `services.report_templates`."""

    file = FileField(lazy_gettext("Word file (.docx)"), [FileRequired(lazy_gettext("Choose a file first."))])
