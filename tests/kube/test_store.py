from typing import TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from setpoint.kube.objects import Key, Object
from setpoint.kube.store import Change, Store
from tests.kube.builders import config_map, present


def put(store: Store, *objects: Object) -> list[Change]:
    return [change for obj in objects if (change := store.upsert(store.freeze(obj)))]


def replace(store: Store, version: int, *objects: Object) -> list[Change]:
    return store.replace([store.freeze(obj) for obj in objects], version)


def content(store: Store) -> dict[Key, Object | None]:
    return {key: store.get(*key) for key in list(store.keys())}


def names(change: Change) -> tuple[str | None, str | None]:
    return (change.old.key[1] if change.old else None, change.new.key[1] if change.new else None)


def test_what_was_put_is_read_back_whole() -> None:
    store = Store()
    obj = config_map(version=7, owner_uid="o", labels={"ü": "\u2028"})
    put(store, obj)
    assert store.get("team-a", "settings") == obj


def test_changing_what_was_read_does_not_change_the_store() -> None:
    store = Store()
    put(store, config_map(version=7))
    present(store.get("team-a", "settings"))["data"]["a"] = "changed"
    assert present(store.get("team-a", "settings"))["data"] == {"a": "1"}


def test_an_older_version_never_replaces_a_newer_one() -> None:
    store = Store()
    put(store, config_map(version=10, data={"a": "new"}))
    assert put(store, config_map(version=9, data={"a": "old"})) == []
    assert present(store.get("team-a", "settings"))["data"] == {"a": "new"}


def test_versions_are_compared_as_numbers_of_any_size() -> None:
    store = Store()
    put(store, config_map(version=9, data={"a": "old"}))
    assert put(store, config_map(version=10**40, data={"a": "new"}))
    assert present(store.get("team-a", "settings"))["data"] == {"a": "new"}


def test_a_new_version_with_the_same_content_is_no_change() -> None:
    store = Store()
    put(store, config_map(version=1))
    assert put(store, config_map(version=2)) == []
    assert present(store.get("team-a", "settings"))["metadata"]["resourceVersion"] == "2"


def test_the_same_content_in_another_order_is_no_change() -> None:
    store = Store()
    put(store, config_map(version=1))
    assert put(store, dict(reversed(config_map(version=2).items()))) == []


def test_objects_are_found_by_their_controlling_owner() -> None:
    store = Store()
    put(store, config_map("b", version=1, owner_uid="o"), config_map("a", version=2, owner_uid="o"))
    put(store, config_map("c", version=3, owner_uid="other"), config_map("d", version=4))
    assert [obj["metadata"]["name"] for obj in store.owned_by("o")] == ["a", "b"]
    put(store, config_map("a", version=5, owner_uid="other"))
    store.delete(store.freeze(config_map("b", version=6, owner_uid="o")))
    assert store.owned_by("o") == []


def test_objects_are_found_by_a_further_index() -> None:
    store = Store({"data": lambda obj: obj["data"].values()})
    put(
        store,
        config_map("a", version=1, data={"x": "p", "y": "q"}),
        config_map("b", version=2, data={"x": "p"}),
    )
    assert [obj["metadata"]["name"] for obj in store.find("data", "p")] == ["a", "b"]
    assert [obj["metadata"]["name"] for obj in store.find("data", "q")] == ["a"]


def test_a_list_leaves_no_ghost_and_tells_only_of_what_changed() -> None:
    store = Store()
    replace(
        store,
        3,
        config_map("kept", version=1),
        config_map("changed", version=2),
        config_map("gone", version=3),
    )
    changed = config_map("changed", version=5, data={"a": "2"})
    changes = replace(store, 6, config_map("kept", version=1), changed, config_map("new", version=6))
    assert sorted(map(names, changes), key=str) == [("changed", "changed"), ("gone", None), (None, "new")]
    assert sorted(store.keys()) == [("team-a", "changed"), ("team-a", "kept"), ("team-a", "new")]


def test_an_own_write_is_read_at_once_and_told_once() -> None:
    store = Store()
    replace(store, 5)
    written = config_map(version=8)
    assert store.observe(store.freeze(written)) is not None
    assert store.get("team-a", "settings") == written
    assert put(store, written) == []


def test_an_own_write_survives_a_list_from_before_it() -> None:
    store = Store()
    store.observe(store.freeze(config_map(version=8)))
    assert replace(store, 7) == []
    assert store.get("team-a", "settings") is not None
    assert [names(change) for change in replace(store, 9)] == [("settings", None)]


def test_an_answer_that_arrives_after_the_deletion_does_not_bring_the_object_back() -> None:
    store = Store()
    replace(store, 5)
    put(store, config_map(version=8))
    store.delete(store.freeze(config_map(version=9)))
    assert store.observe(store.freeze(config_map(version=8))) is None
    assert store.get("team-a", "settings") is None


def test_a_late_deletion_of_a_predecessor_spares_the_successor() -> None:
    store = Store()
    replace(store, 5, config_map(version=5, uid="first"))
    store.observe(store.freeze(config_map(version=9, uid="second")))
    assert store.delete(store.freeze(config_map(version=8, uid="first"))) is None
    assert present(store.get("team-a", "settings"))["metadata"]["uid"] == "second"


def test_a_list_of_a_server_whose_history_was_rewound_is_taken_as_it_is() -> None:
    store = Store()
    replace(store, 100, config_map("a", version=90, data={"a": "lost"}), config_map("b", version=95))
    replace(store, 50, config_map("a", version=40, data={"a": "restored"}))
    assert {key[1]: present(obj)["data"] for key, obj in content(store).items()} == {"a": {"a": "restored"}}


Steps: TypeAlias = list[tuple[str, str | None]]


class Server:
    """An API server's history, played from a list of (name, what it becomes; None: it is deleted)."""

    def __init__(self, steps: Steps) -> None:
        live: dict[str, Object] = {}
        self.lists: list[dict[str, Object]] = [{}]
        """What a list shows as of each version."""
        self.events: list[tuple[str, Object] | None] = [None]
        """What a watch shows at each version."""
        for version, (name, value) in enumerate(steps, start=1):
            event = None
            if value is not None:
                uid = live[name]["metadata"]["uid"] if name in live else str(version)
                live[name] = config_map(name, version=version, uid=uid, data={"a": value})
                event = ("put", live[name])
            elif name in live:
                gone = live.pop(name)
                event = ("delete", gone | {"metadata": gone["metadata"] | {"resourceVersion": str(version)}})
            self.lists.append(dict(live))
            self.events.append(event)


class Follower:
    """A store that is fed, and a listener who believes what the changes say."""

    def __init__(self) -> None:
        self.store = Store()
        self.believed: dict[str, str] = {}

    def list(self, server: Server, version: int) -> None:
        objects = server.lists[version].values()
        for change in self.store.replace([self.store.freeze(obj) for obj in objects], version):
            self._hear(change)

    def watch(self, server: Server, version: int) -> None:
        self.store.advance(version)
        if (event := server.events[version]) is not None:
            kind, obj = event
            frozen = self.store.freeze(obj)
            self._hear(self.store.upsert(frozen) if kind == "put" else self.store.delete(frozen))

    def observe(self, obj: Object) -> None:
        self._hear(self.store.observe(self.store.freeze(obj)))

    def _hear(self, change: Change | None) -> None:
        if change is None:
            return
        key = next(held.key[1] for held in (change.new, change.old) if held)
        assert self.believed.get(key) == (change.old.text if change.old else None)
        if change.new is None:
            del self.believed[key]
        else:
            self.believed[key] = change.new.text


STEPS: st.SearchStrategy[Steps] = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from([None, "1", "2"])), max_size=20
)


@given(STEPS, st.data())
def test_the_store_ends_where_the_server_is_however_its_sources_overtake_each_other(
    steps: Steps, data: st.DataObject
) -> None:
    server, follower = Server(steps), Follower()
    # Every write is ours: its answer comes at any time, before or after list and watch show it.
    ours = [event[1] for event in server.events if event and event[0] == "put"]
    answers: list[Object] = data.draw(st.permutations(ours))
    position = data.draw(st.integers(0, len(steps)))
    follower.list(server, position)
    while position < len(steps):
        while len(answers) > 0 and data.draw(st.booleans()):
            follower.observe(answers.pop())
        if data.draw(st.booleans()):
            position += 1
            follower.watch(server, position)
        else:
            # The watch broke, and a list goes on from a later version.
            position = data.draw(st.integers(position, len(steps)))
            follower.list(server, position)
    for obj in answers:
        follower.observe(obj)
    assert content(follower.store) == {("team-a", name): obj for name, obj in server.lists[-1].items()}
    assert follower.believed.keys() == server.lists[-1].keys()
