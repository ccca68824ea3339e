"""The conversation: everything between a shopper and the shop."""
