"""RFC 7541: what a header block may hold."""

from case import Table
from peer import Peer
from wire import COMPRESSION_ERROR
from wire_bytes import indexed, literal, table_size, text

table = Table("7541")

WITH_INDEXING, WITHOUT_INDEXING, NEVER_INDEXED = 0x40, 0x00, 0x10
# The static table has 61 entries, so that these are the first of the dynamic one.
NEWEST, SECOND_NEWEST = 62, 63
USER_AGENT = 58
TABLE_BYTES = 4096


def broken(section: str, rules: dict) -> None:
    """Requests whose header block has this after its normal fields, or before them."""
    table.connection_errors(
        section,
        {
            title: (
                lambda peer, wrong=wrong: peer.headers(
                    1, end=True, header_block=wrong(peer) if callable(wrong) else peer.block + wrong
                ),
                COMPRESSION_ERROR,
            )
            for title, wrong in rules.items()
        },
    )


def fine(section: str, rules: dict) -> None:
    table.answered(
        section,
        {
            title: lambda peer, header_block=header_block: (
                peer.headers(1, header_block=header_block(peer)) + peer.data(1)
            )
            for title, header_block in rules.items()
        },
    )


broken(
    "2.3.3",
    {
        "an index past both tables": indexed(70),
        "the first index past the static table, with nothing in the dynamic one": indexed(NEWEST),
        "a name's index past both tables": literal(70, "empty", WITH_INDEXING),
        "a name's index past both tables, without indexing": literal(70, "empty", WITHOUT_INDEXING),
        "an index of 2^31": indexed(2**31),
        "an entry that a smaller table has dropped": lambda peer: (
            table_size(0) + table_size(TABLE_BYTES) + peer.block + indexed(NEWEST)
        ),
    },
)
broken(
    "4.2",
    {
        "a table size at the end of the block": table_size(1),
        "a table size between fields": table_size(1) + literal("x", "y"),
    },
)
broken(
    "4.4",
    {
        "an entry that one larger than the table has dropped": (
            literal("x-small", "1", WITH_INDEXING) + literal("x", "v" * TABLE_BYTES, WITH_INDEXING) + indexed(NEWEST)
        )
    },
)
broken(
    "5.1",
    {
        "an integer without end": b"\x7f" + b"\xff" * 20,
        "an integer past 32 bits": b"\xff\xff\xff\xff\xff\xff\x7f",
        "an integer that the block cuts": b"\xff\x80",
        "a string's length past 32 bits": b"\x40\x7f\xff\xff\xff\xff\x7f",
    },
)
# The letter "a" has the code 00011: 0x1f is an "a" and three bits of padding.
broken(
    "5.2",
    {
        "a string longer than its block": b"\x00\x01x\x7f\x7fshort",
        "Huffman padding of more than 7 bits": b"\x00\x01x\x82\x1f\xff",
        "Huffman padding of zeros": b"\x00\x01x\x81\x18",
        "Huffman padding that is cut from another code": b"\x00\x01x\x81\x1e",
        "the EOS symbol": b"\x00\x01x\x84\xff\xff\xff\xfc",
        "the EOS symbol in a name": b"\x00\x84\xff\xff\xff\xfc\x01y",
    },
)
broken("6.1", {"the index 0": indexed(0), "the index 0 before all else": lambda peer: indexed(0) + peer.block})
broken(
    "6.3",
    {
        "a table size above the setting": lambda peer: table_size(TABLE_BYTES + 1) + peer.block,
        "a table size far above the setting": lambda peer: table_size(2**30) + peer.block,
        "a second table size above the setting": lambda peer: table_size(0) + table_size(TABLE_BYTES + 1) + peer.block,
    },
)

KINDS = {"with indexing": WITH_INDEXING, "without indexing": WITHOUT_INDEXING, "never indexed": NEVER_INDEXED}
NAMES = {"an indexed name": USER_AGENT, "a new name": "x-test"}
fine(
    "6.2",
    {
        f"a literal {kind}, {name_kind}{', Huffman' if huffman else ''}": (
            lambda peer, bits=bits, name=name, huffman=huffman: peer.block + literal(name, "value", bits, huffman)
        )
        for kind, bits in KINDS.items()
        for name_kind, name in NAMES.items()
        for huffman in (False, True)
    },
)
fine(
    "6.1",
    {
        "an indexed field of the static table": lambda peer: indexed(3) + without(peer, ":method"),
        "an indexed field of the dynamic table": lambda peer: (
            peer.block + literal("x-test", "1", WITH_INDEXING) + indexed(NEWEST)
        ),
        "the first of two in the dynamic table": lambda peer: (
            peer.block
            + literal("x-a", "1", WITH_INDEXING)
            + literal("x-b", "2", WITH_INDEXING)
            + indexed(SECOND_NEWEST)
        ),
        "a name from the dynamic table": lambda peer: (
            peer.block + literal("x-test", "1", WITH_INDEXING) + literal(NEWEST, "2", WITH_INDEXING)
        ),
    },
)
fine(
    "6.3",
    {
        "a table size": lambda peer: table_size(128) + peer.block,
        "two table sizes": lambda peer: table_size(128) + table_size(TABLE_BYTES) + peer.block,
        "a table size of 0": lambda peer: table_size(0) + peer.block + literal("x-test", "1", WITH_INDEXING),
    },
)
fine(
    "5",
    {
        "an integer with bytes to spare": lambda peer: peer.block + b"\x00" + text("x") + b"\x7f\x80\x00" + b"v" * 127,
        "every byte that a Huffman string may hold": lambda peer: (
            peer.block + literal("x", bytes([9, *range(33, 127), *range(128, 256)]).strip(), huffman=True)
        ),
        "a string of no characters, Huffman": lambda peer: peer.block + b"\x00\x01x\x80",
        "a field as large as the table": lambda peer: (
            peer.block + literal("x", "v" * (TABLE_BYTES - 33), WITH_INDEXING) + indexed(NEWEST)
        ),
    },
)


def without(peer: Peer, name: str) -> bytes:
    return b"".join(literal(key, value) for key, value in peer.fields if key != name)


@table.case("2.3.2", "entries live on from request to request")
def lasting_entries(peer: Peer) -> None:
    names = [f"x-{i}" for i in range(20)]
    header_block = peer.block + b"".join(literal(name, "1", WITH_INDEXING) for name in names)
    first, second = peer.new_stream(), peer.new_stream()
    peer.try_to_send(peer.headers(first, header_block=header_block) + peer.data(first))
    peer.expect_answer(first)
    all_of_them = b"".join(indexed(NEWEST + i) for i in range(20))
    peer.try_to_send(peer.headers(second, header_block=peer.block + all_of_them) + peer.data(second))
    peer.expect_answer(second)


@table.case("4.3", "a table made smaller drops the oldest entries only")
def smaller_table(peer: Peer) -> None:
    # An entry takes 32 bytes more than its name and value.
    entries = [literal(f"x-{i}", "1", WITH_INDEXING) for i in range(3)]
    first, second, third = (peer.new_stream() for _ in range(3))
    peer.try_to_send(peer.headers(first, header_block=peer.block + b"".join(entries)) + peer.data(first))
    peer.expect_answer(first)
    kept = table_size(36) + peer.block + indexed(NEWEST)
    peer.try_to_send(peer.headers(second, header_block=kept) + peer.data(second))
    peer.expect_answer(second)
    peer.try_to_send(peer.headers(third, header_block=peer.block + indexed(SECOND_NEWEST)))
    peer.expect_connection_error(COMPRESSION_ERROR)
