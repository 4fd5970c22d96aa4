"""The form that takes a roster workbook."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired


class RosterForm(FlaskForm):
    """An Excel file; what is in it is checked by the import."""

    file = FileField(lazy_gettext("Excel file (.xlsx)"), [FileRequired(lazy_gettext("Choose a file first."))])
