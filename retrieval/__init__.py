"""Finding products, help and past purchases by words and by meaning."""
