"""Every figure: functions that take and return matplotlib `Axes`."""
