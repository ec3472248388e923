"""The cache of one kind: what the API server said last about each object, held small and in order.

Objects are held as compact JSON text, not as dictionaries: a Deployment of 3 kB takes 2.8 kB instead of 15
kB, the garbage collector has nothing to walk, and nobody can change the cache by changing what was read from
it. Reading one costs about 10 microseconds.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from setpoint.kube.objects import Key, Object, controller_uid, key_of, version_of

Index = Callable[[Object], Iterable[str]]
"""Under which values an object is found again."""

_OWNER = "owner"

# Sorted, because a list and a watch spell the same object in different order.
_encode = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode


@dataclass(frozen=True, slots=True)
class Frozen:
    """One object in the form in which it is held. `text` leaves out the resourceVersion, so that two versions
    which do not differ in anything that is kept compare equal.
    """

    key: Key
    version: int
    text: str
    terms: tuple[tuple[str, str], ...]

    def thaw(self) -> Object:
        """A fresh copy of the object, the caller's own."""
        obj: Object = json.loads(self.text)
        obj["metadata"]["resourceVersion"] = str(self.version)
        return obj


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one object: `old` is None when it is new, `new` is None when it is gone."""

    old: Frozen | None
    new: Frozen | None


class Store:
    """Objects by (namespace, name), by the uid of the controlling owner, and by any further index.

    Three sources feed it: a list (`replace`), the watch (`upsert`, `delete`, `advance`) and the answers to
    our own writes (`observe`). They overtake each other; the resourceVersion puts them in order. `version` is
    how far list and watch have come: what they did not show by then does not exist.
    """

    def __init__(self, indexes: Mapping[str, Index] | None = None) -> None:
        self.version = 0
        self._objects: dict[Key, Frozen] = {}
        self._indexes: dict[str, Index] = {**(indexes or {}), _OWNER: _owner_terms}
        self._found: defaultdict[tuple[str, str], set[Key]] = defaultdict(set)

    def __len__(self) -> int:
        return len(self._objects)

    def keys(self) -> list[Key]:
        """The addresses of all objects."""
        return list(self._objects)

    def get(self, namespace: str, name: str) -> Object | None:
        """A copy of one object."""
        held = self._objects.get((namespace, name))
        return held.thaw() if held else None

    def owned_by(self, uid: str) -> list[Object]:
        """Copies of the objects whose controlling owner has this uid, in the order of their keys."""
        return self.find(_OWNER, uid)

    def find(self, index: str, value: str) -> list[Object]:
        """Copies of the objects which the named index has under this value, in the order of their keys."""
        return [self._objects[key].thaw() for key in sorted(self._found.get((index, value), ()))]

    def freeze(self, obj: Object) -> Frozen:
        """The object in the form in which it is held."""
        metadata = {field: value for field, value in obj["metadata"].items() if field != "resourceVersion"}
        return Frozen(
            key_of(obj),
            version_of(obj),
            _encode(obj | {"metadata": metadata}),
            tuple((index, value) for index, values in self._indexes.items() for value in values(obj)),
        )

    def replace(self, objects: Iterable[Frozen], version: int) -> list[Change]:
        """Take over a whole list as of `version`. What it does not have is gone, however that was missed."""
        rewound = version < self.version
        listed = {held.key: held for held in objects}
        changes = []
        for key, held in list(self._objects.items()):
            # An own write newer than the list is not missing from it. Unless the server's history was rewound
            # (etcd restored from a backup): then our versions mean nothing any more.
            if key not in listed and (rewound or held.version <= version):
                changes.append(self._put(held, None))
        for held in listed.values():
            before = self._objects.get(held.key)
            if rewound or before is None or before.version < held.version:
                changes.append(self._put(before, held))
        self.version = version
        return [change for change in changes if _matters(change)]

    def upsert(self, held: Frozen) -> Change | None:
        """The watch shows an object as added or modified."""
        self.advance(held.version)
        before = self._objects.get(held.key)
        if before is not None and before.version >= held.version:
            return None
        change = self._put(before, held)
        return change if _matters(change) else None

    def delete(self, held: Frozen) -> Change | None:
        """The watch shows an object as deleted; its version is that of the deletion."""
        self.advance(held.version)
        before = self._objects.get(held.key)
        # A newer one of the same name is another object, written by ourselves after this deletion.
        if before is None or before.version > held.version:
            return None
        return self._put(before, None)

    def observe(self, held: Frozen) -> Change | None:
        """An answer to our own write shows an object."""
        if held.key not in self._objects and held.version <= self.version:
            # The watch has been past this version and shows no such object: it was deleted since.
            return None
        before = self._objects.get(held.key)
        if before is not None and before.version >= held.version:
            return None
        change = self._put(before, held)
        return change if _matters(change) else None

    def advance(self, version: int) -> None:
        """The watch has come as far as `version`."""
        self.version = max(self.version, version)

    def _put(self, old: Frozen | None, new: Frozen | None) -> Change:
        if old is not None:
            del self._objects[old.key]
            for term in old.terms:
                self._found[term].discard(old.key)
                if not self._found[term]:
                    del self._found[term]
        if new is not None:
            self._objects[new.key] = new
            for term in new.terms:
                self._found[term].add(new.key)
        return Change(old, new)


def _owner_terms(obj: Object) -> Iterable[str]:
    uid = controller_uid(obj)
    return () if uid is None else (uid,)


def _matters(change: Change) -> bool:
    return change.old is None or change.new is None or change.old.text != change.new.text
