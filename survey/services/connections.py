"""The connections of this process to the database."""

from survey.extensions import db


def disconnect() -> None:
    """Close them all; whoever asks the database next opens new ones. Needs an application context."""
    db.session.remove()
    db.engine.dispose()
