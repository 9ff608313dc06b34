"""The tree has the roots of the vectors that Certificate Transparency publishes, and each proof leads to the root."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore.seals.merkle import BlockTree, Inclusion, Tree, inclusion, leaf_hash, node_hash, root_of_blocks

LEAVES = [
    bytes.fromhex(leaf)
    for leaf in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
SIZES = st.integers(1, 70)


def hashes(size: int) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(size)]


def root_by_definition(leaves: list[bytes]) -> bytes:
    """Return the root as section 2.1.1 of the RFC defines it."""
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(root_by_definition(leaves[:half]), root_by_definition(leaves[half:]))


def grown(leaves: list[bytes]) -> Tree:
    tree = Tree()
    for leaf in leaves:
        tree.add(leaf)
    return tree


@pytest.mark.parametrize(("size", "root"), list(enumerate(ROOTS)))
def test_a_root_is_that_of_the_published_vectors(size: int, root: str) -> None:
    assert grown([leaf_hash(leaf) for leaf in LEAVES[:size]]).root().hex() == root


@given(SIZES)
def test_a_root_is_that_of_the_definition_also_if_the_tree_is_put_down_on_the_way(size: int) -> None:
    leaves = hashes(size)
    tree = grown(leaves[: size // 2])
    tree = Tree.from_json(tree.to_json())
    for leaf in leaves[size // 2 :]:
        tree.add(leaf)
    assert tree.root() == root_by_definition(leaves)
    assert len(tree.to_json()["peaks"]) == size.bit_count()


@given(SIZES, st.data())
def test_a_proof_leads_from_its_leaf_to_the_root_and_from_no_other(size: int, data: st.DataObject) -> None:
    leaves, index = hashes(size), data.draw(st.integers(0, size - 1))
    proof, root = inclusion(leaves, index, size), root_by_definition(leaves)
    assert proof.root(leaves[index]) == root
    assert len(proof.path) <= (size - 1).bit_length()
    assert proof.root(leaf_hash(b"another")) != root
    for other in range(size):
        if other != index:
            assert leads_elsewhere(Inclusion(other, size, proof.path), leaves[index], root)
    assert leads_elsewhere(Inclusion(index, size, (*proof.path, root)), leaves[index], root)
    if proof.path:
        assert leads_elsewhere(Inclusion(index, size, proof.path[:-1]), leaves[index], root)


def leads_elsewhere(proof: Inclusion, leaf: bytes, root: bytes) -> bool:
    try:
        return proof.root(leaf) != root
    except ValueError:
        return True


@given(st.integers(1, 300))
def test_a_tree_of_blocks_has_the_same_root_and_few_blocks(size: int) -> None:
    leaves, tree = hashes(size), BlockTree.of_size(size)
    for leaf in leaves:
        tree.add(leaf)
        tree = BlockTree.from_json(tree.to_json())
    assert tree.root() == root_of_blocks(tree.blocks()) == root_by_definition(leaves)
    assert len(tree.blocks()) <= 64
    assert tree.block_size.bit_count() == 1


def test_a_changed_leaf_changes_its_own_block_and_no_other() -> None:
    before, after = BlockTree.of_size(1000), BlockTree.of_size(1000)
    for number, leaf in enumerate(hashes(1000)):
        before.add(leaf)
        after.add(leaf_hash(b"changed") if number == 500 else leaf)
    changed = [
        number for number, pair in enumerate(zip(before.blocks(), after.blocks(), strict=True)) if len({*pair}) > 1
    ]
    assert changed == [500 // before.block_size]
