"""The form that corrects a release: the public note, the reason, a unit to void, a name to set right."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from survey.forms.accounts import NEEDED


class CorrectionForm(FlaskForm):
    """The view sets the choices; unit and name may both be left empty."""

    unit = SelectField(lazy_gettext("Unit to void"))
    relation = SelectField(lazy_gettext("Relation of the wrong name"))
    of = SelectField(
        lazy_gettext("The name belongs to"),
        choices=[
            SelectChoice("target", lazy_gettext("a target")),
            SelectChoice("unit", lazy_gettext("a unit (school or district)")),
        ],
    )
    code = StringField(lazy_gettext("Its code"), [Length(max=100)])
    name = StringField(lazy_gettext("The right name"), [Length(max=200)])
    note = TextAreaField(lazy_gettext("Note for everybody"), [InputRequired(NEEDED), Length(max=300)])
    reason = TextAreaField(lazy_gettext("Reason"), [InputRequired(NEEDED), Length(max=200)])
