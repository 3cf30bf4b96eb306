"""What a listed option contract is: symbols, products, the calendar, and terms completed from them."""
