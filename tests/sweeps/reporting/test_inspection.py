"""Choosing by eye: on the page and without it, and where the choice is shown."""

import json
import urllib.error
import urllib.request

import pytest
from playwright.sync_api import expect

from sweeps import by_eye
from sweeps.cli.main import main
from sweeps.plan import load_data
from sweeps.reporting.inspection import serve
from sweeps.run_store import Store
from sweeps.sweep import Sweep
from tests.browser import Opened, browser
from tests.sweeps.reporting.test_reporting import SPEC, fill
from trainer.errors import UserError


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    """Two latent sizes, two betas and two seeds, trained for three steps."""
    folder = tmp_path_factory.mktemp("inspected")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEEP_CACHE", str(folder / "cache"))
        store, data = Store(folder / "store"), load_data(SPEC)
        store.prepare()
        store.save_spec(SPEC)
        fill(store, data)
        yield Sweep(SPEC, store, data).snapshot()


def test_a_choice_names_one_setting_and_is_shown_beside_the_answer(snapshot, capsys, monkeypatch):
    with pytest.raises(UserError, match="2 settings have beta=4; also specify latents"):
        by_eye.find(snapshot, {"beta": "4"})
    with pytest.raises(
        UserError, match="no complete setting has beta=3; the values of β tried are 1, 4"
    ):
        by_eye.find(snapshot, {"beta": "3"})
    with pytest.raises(UserError, match="no 'gamma' varies"):
        by_eye.find(snapshot, {"gamma": "3"})
    place = ["--store", snapshot.sweep.store.location]
    assert (
        main(["choose", "reported", "beta=4", "latents=2", *place, "--why", "one thing a row"]) == 0
    )
    assert "Chosen by eye: β = 4 with M = 2: one thing a row." in capsys.readouterr().out
    assert main(["best", "reported", "--json", *place]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["best"]["beta"], said["best"]["latents"]) == (1.0, 3)
    assert (said["chosen"]["beta"], said["chosen"]["latents"]) == (4.0, 2)
    assert main(["report", "reported", *place]) == 0
    page = snapshot.sweep.store.report_folder(SPEC) / "index.html"
    assert "Chosen by eye: β = 4 with M = 2: one thing a row." in page.read_text()


def test_the_page_shows_candidates_and_records_a_choice(snapshot):
    with browser() as chromium, serve(snapshot) as address:
        found = Opened(chromium, str(address))
        page = found.page
        expect(page.locator(".candidate canvas")).to_have_count(8)
        assert page.locator(".candidate h2").all_inner_texts() == ["β = 1", "β = 4"]
        page.locator("#group").select_option("M = 2")
        expect(page.locator(".candidate canvas")).to_have_count(6)
        page.locator("#why").fill("seen")
        page.get_by_role("button", name="Choose β = 1").click()
        expect(page.locator("#said")).to_contain_text("M = 2: seen")
        assert page.locator(".candidate.chosen h2").inner_text() == "β = 1"
        page.set_viewport_size({"width": 390, "height": 900})
        page.reload()
        assert page.locator("#said").inner_text() == "Chosen by eye: β = 1 with M = 2: seen."
        assert page.locator("#group option").all_inner_texts() == ["M = 2", "M = 3"]
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        assert found.complaints == []
    kept = by_eye.chosen(snapshot.sweep.store, "reported")
    assert kept and (kept["beta"], kept["latents"], kept["why"]) == (1.0, 2, "seen")


def test_only_the_page_itself_may_choose(snapshot):
    with serve(snapshot) as address:
        for path, headers, body in (
            ("choose", {"X-Token": "guessed"}, b'{"setting": 0}'),
            ("", {"Host": "evil.example"}, None),
            ("run/../spec", {}, None),
        ):
            request = urllib.request.Request(address + path, data=body, headers=headers)
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(request, timeout=10)
            assert refused.value.code in (403, 404)
