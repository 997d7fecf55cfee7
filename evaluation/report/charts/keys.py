"""The keys by which the page's tables and charts refer to the same setting."""

from evaluation.analysis.settings.summary import SettingSummary


def setting_key(setting: SettingSummary) -> str:
    """Of one setting, the same in every part of the page."""
    return f"s{setting.rows[0].setting}-{setting.rows[0].run[:12]}"
