"""What can be wrong with a trained recommender."""


class ModelMissing(Exception):
    """No trained model in the folder; the message is one sentence and names the remedy."""
