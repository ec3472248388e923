"""KV cache blocks: who holds how many, and which free ones still answer for a prefix.

As vLLM's BlockPool and FullAttentionManager (v1/core/block_pool.py, single_type_kv_cache_manager.py, 0.32):
full blocks only, found by the chained hash of all tokens so far, freed from the last to the first, and
taken again in the order in which they were freed, those that answer for nothing first.

Blocks are counted. Only a block with a key, which another request may find, is an object of its own; the
blocks behind it are one `OwnBlocks` a request, which finds them again after a preemption. Two requests that
compute the same block at the same time leave one that can be found, the first.
"""

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

_MOST_OWED = 4096


@dataclass(slots=True, eq=False)
class CachedBlock:
    """A full block whose content another request may share."""

    key: Hashable
    references: int = 1


@dataclass(slots=True, eq=False)
class OwnBlocks:
    """The full blocks behind a request's keyed ones that are free and not yet taken by another."""

    cached: int


@dataclass(slots=True)
class Hit:
    """What the cache holds of a request's first blocks."""

    shared: list[CachedBlock]
    own: int
    """Own blocks, behind the shared ones."""
    free: int
    """How many of all these are free, and are not when the request holds them."""

    @property
    def blocks(self) -> int:
        return len(self.shared) + self.own


class BlockPool:
    """`total` blocks of `block_tokens` tokens each."""

    def __init__(self, total: int, block_tokens: int, caching: bool) -> None:
        self.total = total
        self.block_tokens = block_tokens
        self.caching = caching
        self.free = total
        self._found: dict[Hashable, CachedBlock] = {}
        self._evictable: OrderedDict[CachedBlock | OwnBlocks, None] = OrderedDict()
        """Free blocks that answer for a prefix, the next to be taken first."""
        self._evictable_blocks = 0
        self._owed = 0
        """Blocks that have been taken from the evictable ones: which, is found out when it matters."""

    def take(self, blocks: int) -> None:
        """Hold `blocks` more; at most `free`."""
        excess = blocks - self.free + self._evictable_blocks
        self.free -= blocks
        if excess > 0:
            self._evictable_blocks -= excess
            self._owed += excess
            if self._owed > _MOST_OWED:
                self._evict()

    def find(self, keys: Sequence[Hashable], own: OwnBlocks | None, most: int) -> Hit:
        """Return the longest prefix of at most `most` blocks that is cached."""
        self._evict()
        found = self._found
        shared: list[CachedBlock] = []
        free = 0
        for key in keys[:most]:
            block = found.get(key)
            if block is None:
                return Hit(shared, 0, free)
            shared.append(block)
            if not block.references:
                free += 1
        reused = min(own.cached, most - len(shared)) if own and len(shared) == len(keys) else 0
        return Hit(shared, reused, free + reused)

    def adopt(self, hit: Hit, own: OwnBlocks | None) -> None:
        """Hold what `find` found."""
        for block in hit.shared:
            if not block.references:
                del self._evictable[block]
                self._evictable_blocks -= 1
            block.references += 1
        if own is not None and own.cached:
            # What lies behind the found ones is kept out as well: it is about to be computed again.
            del self._evictable[own]
            self._evictable_blocks -= own.cached
            own.cached = 0
        self.free -= hit.free

    def share(self, held: list[CachedBlock], keys: Sequence[Hashable], full_blocks: int) -> None:
        """Let the first `full_blocks` blocks of a request, as far as they have keys, be found."""
        if len(held) >= min(full_blocks, len(keys)):
            return
        self._evict()
        for key in keys[len(held) : full_blocks]:
            block = CachedBlock(key)
            self._found.setdefault(key, block)
            held.append(block)

    def release(self, shared: list[CachedBlock], held: int, full: int) -> OwnBlocks | None:
        """Free the `held` blocks of a request, the first `full` of them full; return its own that were."""
        self.free += held
        if not self.caching:
            return None
        own = None
        if full > len(shared):
            own = OwnBlocks(full - len(shared))
            self._evictable[own] = None
            self._evictable_blocks += own.cached
        still_held = 0
        for block in reversed(shared):
            block.references -= 1
            if block.references:
                still_held += 1
            elif self._found.get(block.key) is block:
                self._evictable[block] = None
                self._evictable_blocks += 1
        self.free -= still_held
        shared.clear()
        return own

    def _evict(self) -> None:
        owed, self._owed = self._owed, 0
        while owed:
            oldest = next(iter(self._evictable))
            if isinstance(oldest, CachedBlock):
                del self._evictable[oldest], self._found[oldest.key]
                owed -= 1
            else:
                taken = min(owed, oldest.cached)
                oldest.cached -= taken
                owed -= taken
                if not oldest.cached:
                    del self._evictable[oldest]
