"""How an engine's pods come to be: the objects of a service, rendered from manifests/ as plain data."""
