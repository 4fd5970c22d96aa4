"""Forms of blind-signed tokens: choosing the school whose teachers get accounts."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import SelectField


class StaffAccountsForm(FlaskForm):
    """A school; the view sets the choices."""

    school = SelectField(lazy_gettext("School"))
