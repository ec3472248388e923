"""The image that the chart asks for, under its name, for a cluster that can pull none."""

from e2e.clusters import Cluster
from e2e.clusters.local import archive
from e2e.clusters.local.lock import exclusive
from e2e.images.recipe import Image
from e2e.prometheus import programs
from e2e.prometheus.chart import reference


def image() -> Image:
    """An image of nothing but the server. Raises ClusterError."""
    directory = programs.ensure()
    target = directory / "image.tar"
    with exclusive(directory, "Prometheus image"):
        if not target.exists():
            unfinished = target.with_suffix(".unfinished")
            archive.write(
                unfinished, reference(), {"bin/prometheus": directory / "prometheus"}, ["/bin/prometheus"]
            )
            unfinished.rename(target)
    return Image(target, reference())


def load(cluster: Cluster) -> None:
    """See that a cluster's nodes have the image; those of any but the local one pull the released one."""
    if cluster.name == "local":
        built = image()
        cluster.load_image(built.tar, built.reference)
