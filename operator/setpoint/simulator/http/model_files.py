"""Where the model's files are: a folder, or a repository of the Hub that is fetched first."""

import json
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download


def locate(model: str, revision: str | None) -> Path:
    """The folder with the model's config.json and weights; fetches a repository into HF_HOME as vLLM does.

    Raises OSError that names the model when there is no such folder or repository, when the Hub refuses the
    token or cannot be reached, and ValueError when the name is neither a folder nor a repository's name.
    """
    folder = Path(model)
    if not folder.is_dir():
        folder = Path(snapshot_download(model, revision=revision, allow_patterns=["*.json", "*.safetensors"]))
    if not (folder / "config.json").is_file():
        raise FileNotFoundError(f"{model}: no config.json there, so this is no model vLLM can load")
    return folder


def read_config(folder: Path) -> dict[str, Any]:
    """The model's config.json. Raises ValueError that names the file when it is not a JSON object."""
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: not JSON: {error}") from None
    if not isinstance(config, dict):
        raise ValueError(f"{path}: not a JSON object")  # noqa: TRY004 - the file is wrong, not the caller
    return config
