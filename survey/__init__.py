"""五评 (wuping): satisfaction surveys for an education bureau."""

from pathlib import Path

from flask import Flask

from survey.config import Config, load_config

__version__ = "0.1.0"


def create_app(config: Config | None = None) -> Flask:
    """Return the application of one instance; raise Refused or BadInput when its settings or secrets are unusable."""
    from survey import database, extensions, keys, views
    from survey.views.application import Application

    config = config or load_config()
    folder = str(config.instance.resolve())
    app = Application(__name__, static_folder=None, template_folder=str(_templates()), instance_path=folder)
    master = keys.read_master_key(config.instance)
    app.config.update(views.settings(config), WUPING=config, MASTER_KEY=master)
    with app.app_context():
        app.config["SECRET_KEY"] = keys.purpose_key("session")
    extensions.db.init_app(app)
    extensions.migrate.init_app(app, extensions.db, directory=str(Path(__file__).parent / "migrations"))
    extensions.login.init_app(app)
    extensions.babel.init_app(app, locale_selector=views.choose_language, timezone_selector=None)
    extensions.csrf.init_app(app)
    with app.app_context():
        database.bind_engine(extensions.db.engine)
    views.register(app)
    return app


def _templates() -> Path:
    """Return the templates beside the package (checkout) or inside it (installed wheel)."""
    inside = Path(__file__).parent / "templates"
    return inside if inside.is_dir() else Path(__file__).parents[1] / "templates"
