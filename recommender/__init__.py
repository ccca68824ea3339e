"""What a shopper may want next, from what shoppers bought."""
