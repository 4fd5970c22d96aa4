"""The questionnaire as a value (测评表): pure, read from data files or from a frozen document."""
