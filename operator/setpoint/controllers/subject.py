"""The InferenceService that a controller looks at, in whatever its snapshot has beside it."""

from dataclasses import dataclass

from setpoint.api.inferenceservice import GROUP, KIND, VERSION
from setpoint.kube.objects import Key, Object, controller_uid


@dataclass(frozen=True, slots=True)
class Subject:
    """One InferenceService, as the cache had it."""

    service: Object

    @property
    def key(self) -> Key:
        """Namespace and name."""
        return self.service["metadata"]["namespace"], self.service["metadata"]["name"]

    @property
    def uid(self) -> str:
        """The uid, which no later object of the same name shares; the writer of the service's limits."""
        uid: str = self.service["metadata"]["uid"]
        return uid

    @property
    def generation(self) -> int:
        """The number of the spec."""
        generation: int = self.service["metadata"]["generation"]
        return generation

    @property
    def status(self) -> Object:
        """The status that stands, of all who write it."""
        status: Object = self.service.get("status", {})
        return status

    @property
    def conditions(self) -> dict[str, Object]:
        """The conditions that stand, by type."""
        return {each["type"]: each for each in self.status.get("conditions", ())}

    @property
    def owner(self) -> dict[str, str]:
        """What a child names as its owner."""
        return {"apiVersion": f"{GROUP}/{VERSION}", "kind": KIND, "name": self.key[1], "uid": self.uid}

    def controls(self, thing: Object) -> bool:
        """Whether an object is a child of this very InferenceService."""
        return controller_uid(thing) == self.uid
