"""`python -m survey.cli`: the console command without its script."""

from survey.cli import run

run()
