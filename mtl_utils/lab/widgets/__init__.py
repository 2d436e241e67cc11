"""The labs' own widgets, for people who see them and people who do not: Python here, the page's part in `.js` files."""
