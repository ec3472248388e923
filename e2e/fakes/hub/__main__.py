"""Serve the tiny model, open and gated, and the shape of a large one."""

import argparse
import logging
import os

from aiohttp import web

from e2e.fakes.hub import GATED_REPOSITORY, OPEN_REPOSITORY, SHAPE_REPOSITORY, model, shapes
from e2e.fakes.hub.server import Hub, Repository


def main() -> None:
    """Run until SIGTERM; logs each request, never a token."""
    parser = argparse.ArgumentParser(prog="python -m e2e.fakes.hub")
    parser.add_argument("--host", default="0.0.0.0")
    parser.add_argument("--port", type=int, default=8080)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    files = model.files()
    hub = Hub(
        [
            Repository(OPEN_REPOSITORY, files),
            Repository(GATED_REPOSITORY, files, gated=True),
            Repository(SHAPE_REPOSITORY, shapes.FILES),
        ],
        token=os.environ.get("FAKE_HUB_TOKEN"),
        token_without_access=os.environ.get("FAKE_HUB_TOKEN_WITHOUT_ACCESS"),
    )
    web.run_app(
        hub.application(), host=arguments.host, port=arguments.port, access_log_format="%r %s %b bytes"
    )


if __name__ == "__main__":
    main()
