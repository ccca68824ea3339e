"""What can be wrong with a recommender."""


class ModelMissing(Exception):
    """No trained model in the folder; the message is one sentence and names the remedy."""


class ExtraMissing(Exception):
    """An optional dependency is not installed; the message is one sentence and names the extra."""
