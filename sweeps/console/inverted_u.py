"""The inverted U on a terminal, at the end of a run and of `sweep best`."""

from rich.console import Console

from evaluation.analysis.choose import Choice


def draw_inverted_u(choice: Choice, console: Console) -> None:
    """The inverted U in text, on a terminal that has room for it."""
    if chart := curve(choice, console):
        console.print(chart, markup=False, highlight=False, soft_wrap=True)


def curve(choice: Choice, console: Console) -> str:
    """The lines of it, in letters that the terminal has; "" without a terminal, or room on it."""
    if not console.is_terminal:
        return ""
    from evaluation.report.text_chart import inverted_u  # Matplotlib's colours and all

    plain = not console.encoding.lower().startswith("utf")
    return inverted_u(choice, console.width, plain)
