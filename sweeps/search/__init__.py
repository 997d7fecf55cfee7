"""The search: `methods/` propose settings and are told their scores; the rest schedules runs."""
