"""The inspection page: traversals of all candidates side by side, served on this machine only.

Rows are latents by KL, columns are β; every model gets the same image. A person picks a β, which is
recorded in the store.
"""

import contextlib
import json
import secrets
import threading
from collections.abc import Iterator
from functools import lru_cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, urlparse

import numpy as np

from evaluation.analysis.settings.summary import SettingSummary
from evaluation.report import pictures
from evaluation.report.material import Lacking, Material
from evaluation.report.traversals import traverse_run
from sweeps import by_eye
from sweeps.reporting.material import material_of
from sweeps.sweep import Snapshot
from trainer.data.holdout import unseen
from trainer.errors import UserError
from trainer.files import parse_json
from trainer.live_latents import LIVE
from trainer.models.traversal import VALUES

HOST = "127.0.0.1"
LATENTS, IMAGES = 10, 6
MAX_REQUEST = 10_000  # bytes that the page may send


class Address(str):
    """The address of the page; `wait` returns when the server stops."""

    stopped: threading.Event

    def wait(self) -> None:
        """Waits for the server to stop, in short intervals, so that Ctrl-C works."""
        while not self.stopped.wait(0.5):
            pass


@contextlib.contextmanager
def serve(snapshot: Snapshot, port: int = 0) -> Iterator[Address]:
    """Serves the page of a sweep until the context ends. port: 0 for a free one."""
    page = Inspection(snapshot)
    try:
        server = ThreadingHTTPServer((HOST, port), page.handler())
    except OSError:
        raise UserError(f"port {port} cannot be used; omit --port to use a free one") from None
    address = Address(f"http://{HOST}:{server.server_port}/")
    address.stopped = threading.Event()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield address
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        address.stopped.set()


class Inspection:
    """What the page shows and records. token: known only to this page's own script."""

    def __init__(self, snapshot: Snapshot):
        self.snapshot = snapshot
        self.sweep: Material = material_of(snapshot)
        self.token = secrets.token_urlsafe(16)
        self._runs = {row.run: row for row in self.sweep.rows if row.state == "finished"}
        self._data = data = unseen(self.sweep.images())
        chosen = np.random.default_rng(0).choice(len(data), min(IMAGES, len(data)), replace=False)
        self._images = [int(i) for i in chosen]
        self._lock = threading.Lock()
        self.strips = lru_cache(maxsize=512)(self._strips)

    def page(self) -> str:
        """The page, including the list of candidates."""
        choice = self.sweep.choice
        settings = sorted(choice.settings, key=lambda s: (s.latents, _others(s), s.beta))
        chosen = by_eye.chosen(self.snapshot.sweep.store, self.snapshot.sweep.name)
        facts = {
            "name": self.snapshot.sweep.name,
            "token": self.token,
            "images": len(self._images),
            "values": len(VALUES),
            "settings": [self._setting(setting) for setting in settings if setting.finished],
            "chosen": chosen,
            "said": by_eye.sentence(chosen) if chosen else "",
            "best": choice.best.rows[0].setting,
            "score": self.sweep.score_name,
        }
        text = files("evaluation.report").joinpath("template", "inspect.html").read_text("utf-8")
        return text.replace("{{ facts }}", json.dumps(facts).replace("<", "\\u003c"))

    def choose(self, wanted: Any) -> dict[str, Any]:
        """Records the setting that the page sent. Raises UserError if there is none."""
        number, why = wanted.get("setting"), str(wanted.get("why") or "")
        for setting in self.sweep.choice.settings:
            if setting.rows[0].setting == number:
                return by_eye.record(self.snapshot, setting, why)
        raise UserError(f"no setting {number!r}")

    def _strips(self, run: str, image: int) -> dict[str, Any]:
        """The traversals of a run from one of the images. Raises Lacking."""
        row = self._runs[run]
        self.sweep.model_folder(row)
        with self._lock:  # one model in memory at a time
            found = traverse_run(row, self._data, [self._images[image]], LATENTS)
        rows = [
            {"latent": int(z), "kl": round(float(kl), 3), "dead": bool(kl <= LIVE)}
            for z, kl in zip(found.latents, found.kl, strict=True)
        ]
        slider = pictures.slider(found, pictures.Picture("", "", 0))
        pair = pictures.sheet(np.stack([found.inputs, found.reconstructions], axis=1))
        return {"rows": rows, "columns": slider.columns, "sprite": slider.sprite, "pair": pair}

    def _setting(self, setting: SettingSummary) -> dict[str, Any]:
        others = _others(setting)
        return {
            "setting": setting.rows[0].setting,
            "beta": setting.beta,
            "group": f"M = {setting.latents}" + (f", {others}" if others else ""),
            "score": setting.score if setting.score == setting.score else None,
            "runs": {str(row.seed): row.run for row in setting.rows if row.run in self._runs},
        }

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """Handles the page's requests, and no others."""
        inspection = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                place = urlparse(self.path)
                if not self._is_local():
                    return
                if place.path == "/":
                    self._answer(inspection.page().encode(), "text/html; charset=utf-8")
                    return
                run = place.path.removeprefix("/run/")
                image = parse_qs(place.query).get("image", ["0"])[0]
                if run not in inspection._runs or not image.isdecimal() or int(image) >= IMAGES:
                    self.send_error(HTTPStatus.NOT_FOUND)
                    return
                try:
                    found = inspection.strips(run, int(image))
                except Lacking as error:
                    found = {"problem": str(error)}
                self._answer(json.dumps(found).encode(), "application/json")

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                known = secrets.compare_digest(self.headers.get("X-Token") or "", inspection.token)
                if not self._is_local() or not known or length > MAX_REQUEST:
                    self.send_error(HTTPStatus.FORBIDDEN)
                    return
                try:
                    chosen = inspection.choose(parse_json(self.rfile.read(length)))
                except (UserError, ValueError, AttributeError) as error:
                    said = str(error)[:200].encode("ascii", "replace").decode()
                    self.send_error(HTTPStatus.BAD_REQUEST, said)
                    return
                said = json.dumps({"said": by_eye.sentence(chosen)})
                self._answer(said.encode(), "application/json")

            def log_message(self, format: str, *args: Any) -> None:
                return

            def _is_local(self) -> bool:
                """Whether the host name is local; others may come from DNS rebinding."""
                if (self.headers.get("Host") or "").partition(":")[0] in (HOST, "localhost"):
                    return True
                self.send_error(HTTPStatus.FORBIDDEN)
                return False

            def _answer(self, content: bytes, kind: str) -> None:
                self.send_response(HTTPStatus.OK)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                self.wfile.write(content)

        return Handler


def _others(setting: SettingSummary) -> str:
    """What a setting has besides beta and M, in words."""
    return ", ".join(str(value) for value in setting.parameters.values())
