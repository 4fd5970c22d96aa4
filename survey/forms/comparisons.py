"""The choice of what to compare, as it stands in the address of the page."""

from flask_babel import lazy_gettext
from wtforms import BooleanField, Form, SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, ValidationError

FEWEST, MOST = 2, 6
KINDS = ("units", "targets", "years")
ABOUT = ("whole", "unit", "target")
NUMBER = lazy_gettext("Choose two to six to compare.")


def _choices(values: tuple[str, ...]) -> list[SelectChoice]:
    return [SelectChoice(value, value) for value in values]


class ComparisonForm(Form):
    """Two to six units, targets or campaigns; unknown codes are found out later, by looking for them."""

    of = SelectField(choices=_choices(KINDS), default=KINDS[0])
    c = SelectMultipleField(validate_choice=False)
    about = SelectField(choices=_choices(ABOUT), default=ABOUT[0])
    subject = StringField(validators=[Length(max=100)], default="")
    planned = BooleanField()

    def validate_c(self, field: SelectMultipleField) -> None:
        """Refuse fewer than two or more than six different ones."""
        if not FEWEST <= len(set(field.data or ())) <= MOST:
            raise ValidationError(NUMBER)

    @property
    def codes(self) -> tuple[str, ...]:
        """The chosen codes, each once, in their order."""
        return tuple(sorted({code for code in self.c.data or () if len(code) <= 100}))
