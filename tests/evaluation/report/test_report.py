"""The report: complete, self-contained, and safe with hostile texts."""

import re
from html.parser import HTMLParser

import pytest

from evaluation.analysis.choose import choose
from evaluation.analysis.conclude import answer
from evaluation.report.answer_card import cautions
from evaluation.report.changes import changes, summary
from evaluation.report.charts import library
from evaluation.report.facts import SweepFacts
from evaluation.report.report import keys_as_code, write_report
from tests.evaluation.analysis.sweeps_of_rows import inverted_u, row
from tests.evaluation.report.test_figures import DEGENERATE, grid
from trainer.errors import UserError

HOSTILE = "</h1><script>alert('x')</script>\"&$title"
VOID = {"meta", "img", "input"}


class Elements(HTMLParser):
    """Collects elements and texts, and checks that tags are closed in order."""

    def __init__(self, html: str):
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.found)


def write(folder, rows, **options):
    path = write_report(rows, choose(rows), folder, **({"name": "dsprites-beta"} | options))
    html = path.read_text("utf-8")
    return html, Elements(html)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A report with everything in it: its folder, its text and its elements."""
    folder = tmp_path_factory.mktemp("report")
    rows = inverted_u(failed={(64.0, 20, 0)})
    facts = SweepFacts("Higgins score", scoring={"protocol": "paper"}, command="sweep run a.yaml")
    more = {"facts": facts, "traversals": [grid()], "answer": answer(rows)}
    return folder, *write(folder, rows, **more)


def test_the_answer_comes_first_and_everything_follows(whole):
    folder, _, page = whole
    text = " ".join(page.texts)
    assert text.index("β = 4") < text.index("How sure is this?") < text.index("The whole sweep")
    for said in ("0.00977", "over 4 seeds", "Latents M", "90% interval of β", "sweep run a.yaml"):
        assert said in text
    assert "1 failed run" in text and "loss is not finite at step 1200" in text
    assert "A failed seed counts in full, at chance level (0.25)" in text
    assert page.count("img") == 3 + 2  # what stands for charts, a slider's pictures and its strip
    # sizes, settings, runs, failures; health, what the score varies with
    rows = 3 + 27 + 108 + 1 + 4 + 4
    assert page.count("tr") - page.count("thead") == rows
    names = {path.name for path in folder.iterdir()}
    figures = {"inverted_u.png", "beta_latents_map.png", "tradeoff.png", "traversals_1.png"}
    assert names == {"index.html", "summary.json", "runs.csv", *figures}  # and nothing half-written


def test_the_page_makes_no_network_request(whole):
    _, html, page = whole
    own = re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)
    assert not re.search(r"https?://|url\(|@import|<link", own)
    for _, attributes in page.found:
        assert (attributes.get("href") or "#").startswith("#")
        assert (attributes.get("src") or "data:").startswith("data:")
    assert "default-src 'none'" in html


def test_keys_in_sentences_are_code_and_markup_is_text():
    assert keys_as_code("remove `early_stop`, <b>") == "remove <code>early_stop</code>, &lt;b&gt;"
    assert keys_as_code("`<i>`") == "<code>&lt;i&gt;</code>"


def test_hostile_texts_stay_text(tmp_path):
    rows = [
        row(parameters={HOSTILE: HOSTILE}),
        row(2.0, parameters={HOSTILE: HOSTILE}, run="another"),
        row(seed=1, scores=(), reason=HOSTILE, parameters={HOSTILE: "other"}, run=HOSTILE),
    ]
    facts = SweepFacts(HOSTILE, HOSTILE, {HOSTILE: HOSTILE}, HOSTILE, HOSTILE, {HOSTILE: HOSTILE})
    html, page = write(tmp_path, rows, name=HOSTILE, facts=facts)
    assert page.count("script") == 5  # the data, the chart library and our own
    known = r"(&lt;|\\u003c)script>?(&gt;)?alert\((&#39;|')x(&#39;|')\)"
    own = html.replace(library.script(), "")
    assert "alert" in own and "alert" not in re.sub(known, "", own)
    assert page.count("h1") == 1


@pytest.mark.parametrize("case", ["one seed", "nothing but scores", "all failed"])
def test_odd_sweeps_have_a_report(tmp_path, case):
    _, page = write(tmp_path, DEGENERATE[case])
    assert page.count("tr") >= 1
    assert page.count("img") == (1 if case == "nothing but scores" else 0)  # one setting, no chart
    assert ("No answer yet" in page.texts) == (case == "all failed")


def test_a_second_report_replaces_the_first(tmp_path):
    write(tmp_path, [row()], traversals=[grid(images=1, rows=3)])
    html, _ = write(tmp_path, [row(beta=7.0)])
    assert "β = 7" in html
    assert not list(tmp_path.glob("traversals_*"))


def test_a_folder_that_cannot_be_written_to_is_a_users_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        write(tmp_path / "file" / "report", [row()])


def test_doubts_are_reported():
    steady = {"chance": 0.25}
    edge = choose([row(beta=b, seed=s, scores=(b / 10,)) for b in (1.0, 2.0) for s in (0, 1)])
    assert ["highest β tried" in caution for caution in cautions(edge)] == [True]
    single = choose([row(beta=b, scores=(s,)) for b, s in ((1.0, 0.5), (2.0, 0.9), (4.0, 0.6))])
    assert ["single seed" in caution for caution in cautions(single)] == [True]
    lone = choose([row(seed=s) for s in range(2)])
    assert ["Only one β" in caution for caution in cautions(lone)] == [True]
    failed = choose([row(**steady), row(seed=1, scores=()), row(beta=1.0, scores=(0.3,))])
    assert any("1 of the 2 seeds" in caution for caution in cautions(failed))
    assert cautions(choose(inverted_u())) == []


def test_what_changed_since_the_last_report_is_reported(tmp_path):
    few, more = choose([row(beta=2.0)]), choose([row(beta=2.0), row(beta=4.0, scores=(0.95,))])
    assert changes(None, summary(few)) == [] == changes(summary(few), summary(few))
    said = changes(summary(few), summary(more))
    assert "1 run more, 2 in all." in said
    assert "The best setting changed from β = 2 with M = 10 to β = 4 with M = 10." in said
    assert "The best score changed from 0.900 to 0.950." in said
    html, _ = write(tmp_path, [row(beta=7.0)], previous=summary(few))
    assert "Since the last report" in html
