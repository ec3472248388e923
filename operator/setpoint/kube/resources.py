"""The kinds that Setpoint reads and writes, and where the API server keeps them."""

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of one API version. The core group is the empty string."""

    group: str
    version: str
    plural: str
    kind: str

    @property
    def api_version(self) -> str:
        """What stands in the objects' field `apiVersion`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None, name: str | None = None, subresource: str | None = None) -> str:
        """The URL path of the collection, of one object, or of a subresource of one object.

        Without a namespace it is the path of a cluster-scoped object, or of the collection in all namespaces.
        """
        segments = ["apis", self.group, self.version] if self.group else ["api", self.version]
        if namespace:
            segments += ["namespaces", namespace]
        segments += [self.plural, *filter(None, (name, subresource))]
        return "/" + "/".join(quote(segment, safe="") for segment in segments)


INFERENCE_SERVICES = Resource("setpoint.dev", "v1alpha1", "inferenceservices", "InferenceService")
TUNING_CHECKPOINTS = Resource("setpoint.dev", "v1alpha1", "tuningcheckpoints", "TuningCheckpoint")
DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")
CONTROLLER_REVISIONS = Resource("apps", "v1", "controllerrevisions", "ControllerRevision")
CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap")
SERVICES = Resource("", "v1", "services", "Service")
SERVICE_ACCOUNTS = Resource("", "v1", "serviceaccounts", "ServiceAccount")
PODS = Resource("", "v1", "pods", "Pod")
POD_DISRUPTION_BUDGETS = Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
ENDPOINT_SLICES = Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice")
LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease")
