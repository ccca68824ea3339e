"""The web: the shopper's page, the API behind it, and the server that runs both."""
