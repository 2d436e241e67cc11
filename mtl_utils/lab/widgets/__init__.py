"""The labs' own widgets: a slider and a screen that people can use who do not see them. Python here, the page's part in `.js`."""
