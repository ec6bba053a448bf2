"""Parts of the copy trader: each file answers one question about a target's trades or our copies of them."""
