"""Alembic's entry: migrations run on the application's own engine and metadata."""

from alembic import context
from flask import current_app

from survey import models
from survey.extensions import Base, db

assert models.__all__


def run() -> None:
    """Migrate online; `render_as_batch` lets SQLite alter tables."""
    with db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=db.engine.dialect.name == "sqlite",
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


assert current_app
run()
