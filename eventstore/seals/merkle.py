"""The Merkle tree of RFC 9162, pure and in flat memory: roots of growing trees, and proofs of inclusion."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Self


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node above two others."""
    return sha256(b"\x01" + left + right).digest()


class Tree:
    """A tree that grows by a leaf at a time; it keeps only the roots of its complete subtrees, the largest first.

    There is one such subtree for each 1 in the binary form of the number of leaves.
    """

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size, self._peaks = size, list(peaks)

    def add(self, leaf: bytes) -> None:
        """Add a leaf by its hash."""
        self._peaks.append(leaf)
        size = self.size
        while size & 1:
            right = self._peaks.pop()
            self._peaks[-1] = node_hash(self._peaks[-1], right)
            size >>= 1
        self.size += 1

    def root(self) -> bytes:
        """Return the root; an empty tree has the hash of nothing."""
        if not self._peaks:
            return sha256().digest()
        *left, root = self._peaks
        for peak in reversed(left):
            root = node_hash(peak, root)
        return root

    def to_json(self) -> dict[str, Any]:
        """Return the tree as JSON can hold it."""
        return {"size": self.size, "peaks": [peak.hex() for peak in self._peaks]}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Return the tree that `to_json` has written."""
        return cls(value["size"], map(bytes.fromhex, value["peaks"]))


class BlockTree:
    """A tree whose parts of `block_size` leaves, a power of two, keep their roots: two trees differ in known parts."""

    MOST_BLOCKS: Final = 64

    def __init__(self, block_size: int, blocks: Iterable[bytes] = (), last: Tree | None = None) -> None:
        self.block_size, self._whole, self._last = block_size, list(blocks), last or Tree()

    @classmethod
    def of_size(cls, size: int) -> Self:
        """Return an empty tree for so many leaves."""
        blocks = -(-size // cls.MOST_BLOCKS)
        return cls(1 << max(blocks - 1, 0).bit_length())

    def add(self, leaf: bytes) -> None:
        """Add a leaf by its hash."""
        self._last.add(leaf)
        if self._last.size == self.block_size:
            self._whole.append(self._last.root())
            self._last = Tree()

    def blocks(self) -> list[bytes]:
        """Return the root of each part; the last part may have fewer leaves."""
        return self._whole + ([self._last.root()] if self._last.size else [])

    def root(self) -> bytes:
        """Return the root, which is that of the plain tree."""
        return root_of_blocks(self.blocks())

    def to_json(self) -> dict[str, Any]:
        """Return the tree as JSON can hold it."""
        blocks = [block.hex() for block in self._whole]
        return {"block_size": self.block_size, "blocks": blocks, "last": self._last.to_json()}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Return the tree that `to_json` has written."""
        return cls(value["block_size"], map(bytes.fromhex, value["blocks"]), Tree.from_json(value["last"]))


def root_of_blocks(blocks: Iterable[bytes]) -> bytes:
    """Return the root of the tree whose parts have these roots."""
    tree = Tree()
    for block in blocks:
        tree.add(block)
    return tree.root()


@dataclass(frozen=True, slots=True)
class Inclusion:
    """A proof that a leaf is in a tree: the roots of the subtrees beside the way from the leaf to the root."""

    index: int
    size: int
    path: tuple[bytes, ...]

    def root(self, leaf: bytes) -> bytes:
        """Return the root of the tree that holds the leaf at the index; ValueError if the path has another length."""
        last, index, root = self.size - 1, self.index, leaf
        for beside in self.path:
            if last == 0:
                raise ValueError("the path is too long")
            if index & 1 or index == last:
                root = node_hash(beside, root)
                while index and not index & 1:
                    index, last = index >> 1, last >> 1
            else:
                root = node_hash(root, beside)
            index, last = index >> 1, last >> 1
        if last:
            raise ValueError("the path is too short")
        return root


def inclusion(leaves: Iterable[bytes], index: int, size: int) -> Inclusion:
    """Return the proof that a leaf is in the tree of these leaves, which are given by their hashes, in order."""
    beside = _beside(index, 0, size)
    trees = {bounds: Tree() for bounds in beside}
    ahead = deque(sorted(beside))
    for number, leaf in enumerate(leaves):
        if ahead and number >= ahead[0][1]:
            ahead.popleft()
        if number != index:
            trees[ahead[0]].add(leaf)
    return Inclusion(index, size, tuple(trees[bounds].root() for bounds in beside))


def _beside(index: int, first: int, end: int) -> Sequence[tuple[int, int]]:
    """Return the bounds of the subtrees beside the way from a leaf to the root, that nearest to the leaf first."""
    found = []
    while end - first > 1:
        middle = first + (1 << (end - first - 1).bit_length() - 1)
        if index < middle:
            found.append((middle, end))
            end = middle
        else:
            found.append((first, middle))
            first = middle
    return found[::-1]
