"""A small local Hugging Face Hub: what `huggingface_hub`, transformers and vLLM ask of
https://huggingface.co.

It keeps the API for reading model repositories (info, tree, resolve with ETag, X-Repo-Commit, HEAD and Range)
and the refusals: 401 for a wrong token, or none where one is needed, 403 for an account without access, 404
for what is not there, with the X-Error-Code header that tells the client which error to raise. It has no LFS
or Xet storage behind it, no branch but main, no upload, no other kind of repository.

`python -m e2e.fakes.hub --port 8080` serves one tiny model twice, open and gated, and the shape of a large
one without weights, for simulated engines. FAKE_HUB_TOKEN is the token that may read the gated one,
FAKE_HUB_TOKEN_WITHOUT_ACCESS a valid one that may not.
"""

OPEN_REPOSITORY = "acme/tiny-llama"
GATED_REPOSITORY = "acme/tiny-llama-gated"
SHAPE_REPOSITORY = "acme/llama-8b-shape"
