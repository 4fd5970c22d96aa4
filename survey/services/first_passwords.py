"""The Excel of one-time first passwords: made in memory, handed over once, kept nowhere."""

from collections.abc import Iterable
from io import BytesIO

import xlsxwriter
from flask_babel import gettext as _

from survey.services.accounts import NewAccount, account_rows

_TEXT_ONLY = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


def password_workbook(made: Iterable[NewAccount]) -> bytes:
    """Return a workbook with school code, name, account and first password; every cell is text."""
    target = BytesIO()
    with xlsxwriter.Workbook(target, _TEXT_ONLY) as book:
        bold = book.add_format({"bold": True, "bottom": 1})
        sheet = book.add_worksheet(_("Accounts"))
        sheet.freeze_panes(1, 0)
        heads = (_("School code"), _("Name of person or school"), _("Account"), _("First password"))
        sheet.set_column(0, len(heads) - 1, 24)
        sheet.write_row(0, 0, heads, bold)
        for number, row in enumerate(account_rows(made), start=1):
            for place, text in enumerate(row):
                sheet.write_string(number, place, text)
    return target.getvalue()
