"""The inverted U on a terminal, at the end of a run and of `sweep best`."""

from rich.console import Console

from evaluation.analysis.choose import Choice


def draw_inverted_u(choice: Choice, console: Console) -> None:
    """The inverted U in text, on a terminal that has room for it."""
    if console.is_terminal:
        from evaluation.report.text_chart import inverted_u  # Matplotlib's colours and all

        plain = not console.encoding.lower().startswith("utf")
        if chart := inverted_u(choice, console.width, plain):
            console.print(chart, markup=False, highlight=False, soft_wrap=True)
