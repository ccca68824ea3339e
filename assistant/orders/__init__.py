"""Orders: what a shopper may ask for, the shop's rules about it, and the book that keeps them."""
