"""Whoever performs an action: measures, feet, arms, hands, plans, and solving them for joints."""
