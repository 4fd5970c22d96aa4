"""Forms of accounts: logging in, passwords, the second factor, adding an account."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, SelectField, StringField
from wtforms.validators import EqualTo, InputRequired, Length

NEEDED = lazy_gettext("This field must be filled in.")


class LogInForm(FlaskForm):
    """Name and password."""

    name = StringField(lazy_gettext("Account"), [InputRequired(NEEDED), Length(max=100)])
    password = PasswordField(lazy_gettext("Password"), [InputRequired(NEEDED), Length(max=200)])


class CodeForm(FlaskForm):
    """The second step of logging in; `pending` proves the first."""

    pending = HiddenField()
    code = StringField(lazy_gettext("Login code"), [InputRequired(NEEDED), Length(max=40)])


class ProofForm(FlaskForm):
    """One's own password again, before something grave."""

    password = PasswordField(lazy_gettext("Password"), [InputRequired(NEEDED), Length(max=200)])


class EnrolForm(FlaskForm):
    """The first code of a new second factor; `carried` is its sealed secret."""

    carried = HiddenField()
    code = StringField(lazy_gettext("Login code"), [InputRequired(NEEDED), Length(max=40)])


class GiveUpForm(FlaskForm):
    """Password and code, to give the second factor up."""

    password = PasswordField(lazy_gettext("Password"), [InputRequired(NEEDED), Length(max=200)])
    code = StringField(lazy_gettext("Login code"), [InputRequired(NEEDED), Length(max=40)])


class PasswordForm(FlaskForm):
    """The old password and, twice, the new one; its length is the service's business."""

    old = PasswordField(lazy_gettext("Old password"), [InputRequired(NEEDED), Length(max=200)])
    new = PasswordField(lazy_gettext("New password"), [InputRequired(NEEDED), Length(max=200)])
    again = PasswordField(
        lazy_gettext("New password again"),
        [InputRequired(NEEDED), EqualTo("new", lazy_gettext("The two new passwords differ."))],
    )


class AccountForm(FlaskForm):
    """A new account; the view sets the choices of role and school."""

    name = StringField(lazy_gettext("Name of the account"), [InputRequired(NEEDED), Length(max=100)])
    role = SelectField(lazy_gettext("Role"))
    school_code = SelectField(lazy_gettext("School (for school administrators)"))
