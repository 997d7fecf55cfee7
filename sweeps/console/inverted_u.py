"""The inverted U on a terminal, at the end of `sweep run` and `sweep best`."""

from rich.console import Console

from evaluation.analysis.choose import Choice


def draw_inverted_u(choice: Choice, console: Console) -> None:
    """Prints the inverted U as text, on a terminal with room for it."""
    if chart := curve(choice, console):
        console.print(chart, markup=False, highlight=False, soft_wrap=True)


def curve(choice: Choice, console: Console) -> str:
    """Its lines, in characters that the terminal has; "" without a terminal or enough room."""
    if not console.is_terminal:
        return ""
    from evaluation.report.text_chart import inverted_u  # here, as it imports Matplotlib

    plain = not console.encoding.lower().startswith("utf")
    return inverted_u(choice, console.width, plain)
