"""Forms of campaigns: making one, and changing its days."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import BooleanField, DateField, IntegerField, SelectField, StringField
from wtforms.validators import InputRequired, Length, NumberRange

from survey.forms.accounts import NEEDED

DAY = lazy_gettext("Not a day: write it like 2026-05-11.")
YEAR = lazy_gettext("Write a year from 2000 to 2100.")


SCHEME = "scheme_"
"""Fields of schemes are named after their relation behind this."""


class CampaignForm(FlaskForm):
    """A new campaign; a scheme that is left empty is the questionnaire's own."""

    name = StringField(lazy_gettext("Name of the campaign"), [InputRequired(NEEDED), Length(max=200)])
    year = IntegerField(
        lazy_gettext("Year"), [InputRequired(YEAR), NumberRange(2000, 2100, YEAR)], invalid_value_message=YEAR
    )
    first_day = DateField(lazy_gettext("First day"), [InputRequired(DAY)], invalid_value_message=DAY)
    last_day = DateField(lazy_gettext("Last day"), [InputRequired(DAY)], invalid_value_message=DAY)
    template = SelectField(lazy_gettext("Template"))
    sealed = BooleanField(lazy_gettext("Sealed box"))
    two_person = BooleanField(lazy_gettext("Two persons for grave steps"), default=True)
    tokens = BooleanField(lazy_gettext("Blind-signed tokens"))
    scheme_student_teacher = SelectField(lazy_gettext("Pupils rate their teachers"), default="")
    scheme_teacher_principal = SelectField(lazy_gettext("Teachers rate their principal"), default="")
    scheme_principal_department = SelectField(lazy_gettext("Principals rate the departments"), default="")
    scheme_parent_school = SelectField(lazy_gettext("Parents rate the school"), default="")
    scheme_public_education = SelectField(lazy_gettext("The public rates education"), default="")

    @property
    def schemes(self) -> dict[str, str]:
        """The chosen schemes by relation, without those left empty."""
        chosen = {field.name.removeprefix(SCHEME): field.data for field in self.scheme_fields}
        return {relation: scheme for relation, scheme in chosen.items() if scheme}

    @property
    def scheme_fields(self) -> list[SelectField]:
        """The fields in which schemes are chosen."""
        return [field for field in self if field.name.startswith(SCHEME)]


class DaysForm(FlaskForm):
    """New days of a campaign."""

    first_day = DateField(lazy_gettext("First day"), [InputRequired(DAY)], invalid_value_message=DAY)
    last_day = DateField(lazy_gettext("Last day"), [InputRequired(DAY)], invalid_value_message=DAY)
