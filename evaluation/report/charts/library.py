"""Vega-Lite with its dependencies as one script, for embedding in a self-contained page."""

import contextlib
from functools import cache
from importlib.metadata import version

from trainer.cache import folder
from trainer.errors import UserError
from trainer.files import write_atomically

VEGA_LITE = "6.4"
# the page's entry point; vega-embed has an interpreter, so that no expression needs compiling
_USED = "window.vegaEmbed = vegaEmbed;"


@cache
def script() -> str:
    """The JavaScript that defines `vegaEmbed`, about 0.9 MB.

    Bundling by vl-convert takes seconds, so the result is cached on disk, by version.
    """
    import vl_convert

    kept = folder() / f"vega-lite-{VEGA_LITE}-{version('vl-convert-python')}.js"
    with contextlib.suppress(OSError):
        return kept.read_text("utf-8")
    bundle = str(vl_convert.javascript_bundle(snippet=_USED, vl_version=VEGA_LITE))
    with contextlib.suppress(UserError):  # if it cannot be cached, it is bundled again next time
        write_atomically(kept, bundle.encode("utf-8"))
    return bundle
