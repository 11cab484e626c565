"""A request's body while it arrives: limits, gzip or deflate, a short way for large ones."""

from __future__ import annotations

import zlib

from scoring.errors import Rejection
from scoring.routes.messages import Content
from scoring.settings import Settings

# A body up to this size is never refused for lack of buffers: 1,000 of them are few megabytes.
SMALL = 64 << 10
# Larger ones are received into one buffer, past the parser, which saves three copies.
LARGE = 64 << 10
# A zipped body may be several gzip files one after another (RFC 1952 2.2); each costs a decoder.
MOST_MEMBERS = 1024
# What follows a member is copied with each one.
_ZIPPED_PIECE = 64 << 10


class Buffers:
    """The bytes of all bodies of a worker that are not answered, and of answers not read yet."""

    __slots__ = ("held", "limit", "longest")

    def __init__(self, settings: Settings) -> None:
        self.held = 0
        self.limit = settings.max_buffered_bytes
        self.longest = settings.max_body_bytes

    def add(self, size: int, body: int) -> None:
        """Hold `size` more bytes of a body that is now `body` bytes long, or refuse them."""
        self.held += size
        if body > self.longest:
            raise self.too_long("more")
        if body > SMALL:
            self.check()

    def check(self) -> None:
        """Refuse a large body while too much is held."""
        if self.held > self.limit:
            raise Rejection(
                503,
                "out_of_buffers",
                "too many large bodies and answers are held at once; try again",
                retry_after=1,
            )

    def too_long(self, size: str) -> Rejection:
        """The refusal of a body over the limit."""
        return Rejection(
            413, "body_too_long", f"the body has {size}; at most {self.longest} are allowed"
        )


class Body:
    """The body that a connection is reading; one after another, in the same object.

    A zipped one is kept as it came, and unzipped in its turn: some kilobytes may be many megabytes.
    """

    __slots__ = ("_buffers", "coding", "content")

    def __init__(self, buffers: Buffers) -> None:
        self._buffers = buffers
        self.coding = b""  # gzip, deflate or none
        self.content: bytes | bytearray = b""

    def begin(self, headers: dict[bytes, bytes]) -> int:
        """Get ready for the body that these headers announce; returns its declared length."""
        self.content = b""
        self.coding = b""
        encoding = headers.get(b"content-encoding")
        if encoding is not None:
            self.coding = _coding(encoding)
        declared = headers.get(b"content-length")
        if declared is None:
            return 0
        length = int(declared)
        if length > self._buffers.longest:
            raise self._buffers.too_long(f"{length} bytes")
        return length

    def add(self, piece: bytes) -> None:
        """Keep a piece as it came from the parser."""
        content = self.content
        if not content:
            self.content = content = piece  # most bodies come in one piece, which is not copied
        else:
            if isinstance(content, bytes):
                self.content = content = bytearray(content)
            content += piece
        self._buffers.add(len(piece), len(content))

    def take(self) -> bytes | bytearray:
        """The whole body, which its request holds from now on."""
        content = self.content
        self._buffers.held -= len(content)
        self.content = b""
        return content

    def drop(self) -> None:
        """Forget a body that will not be answered."""
        self._buffers.held -= len(self.content)
        self.content = b""


def unzip(content: Content, coding: bytes, buffers: Buffers) -> bytes:
    """A whole body as it was before it was zipped, at most as long as a body may be.

    Raises:
        Rejection: It is longer, or not what its coding says.
    """
    gzip = coding == b"gzip"
    room = buffers.longest + 1
    members = MOST_MEMBERS if gzip else 0
    found: list[bytes] = []
    gunzip = _decoder(gzip)
    view = memoryview(content)
    for first in range(0, len(view), _ZIPPED_PIECE):
        piece: bytes | memoryview = view[first : first + _ZIPPED_PIECE]
        while piece and room > 0:
            if gunzip.eof:
                if not members:
                    raise _bad("the zipped body is followed by other bytes")
                members -= 1
                gunzip = _decoder(gzip)
            try:
                found.append(gunzip.decompress(piece, room))
            except zlib.error:
                raise _bad("the body is not valid gzip or deflate") from None
            room -= len(found[-1])
            piece = gunzip.unused_data
    if room <= 0:
        raise buffers.too_long("more")
    if not gunzip.eof:
        raise _bad("the zipped body ends too early")
    return found[0] if len(found) == 1 else b"".join(found)


def _decoder(gzip: bool) -> zlib._Decompress:
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | (16 if gzip else 0))


class LargeBody:
    """The rest of one body of known length, received past the parser.

    The buffer grows with what has arrived, so that an announced length alone costs nothing.
    """

    __slots__ = ("_buffers", "_content", "_filled", "_length")

    def __init__(self, buffers: Buffers, begun: bytes | bytearray, length: int) -> None:
        self._buffers = buffers
        self._content = bytearray(min(length, max(LARGE, 4 * len(begun))))
        self._content[: len(begun)] = begun
        self._filled = len(begun)
        self._length = length
        buffers.held -= len(begun)
        buffers.held += len(self._content)

    def room(self) -> memoryview:
        """The free part of the buffer; uvloop fills as much of it as has arrived."""
        return memoryview(self._content)[self._filled :]

    def received(self, size: int) -> bytearray | None:
        """So many bytes more have arrived: the whole body, once it is there.

        Raises:
            Rejection: Too much is held.
        """
        self._filled += size
        if self._filled == self._length:
            self._buffers.held -= len(self._content)
            return self._content
        if self._filled == len(self._content):
            self._grow()
        return None

    def _grow(self) -> None:
        # Who has sent a megabyte gets room for the rest: copying it again would cost more.
        size = min(self._length, 1 << 20) if self._filled < 1 << 20 else self._length
        try:
            self._buffers.add(size - self._filled, size)
        except Rejection:
            self._buffers.held -= size - self._filled
            raise
        larger = bytearray(size)
        larger[: self._filled] = self._content
        self._content = larger

    def drop(self) -> None:
        """Give the buffer back; the body will not be answered."""
        self._buffers.held -= len(self._content)
        self._content = bytearray()


def _bad(message: str) -> Rejection:
    return Rejection(400, "bad_encoding", message)


def _coding(encoding: bytes) -> bytes:
    name = encoding.lower()
    if name in (b"gzip", b"x-gzip"):
        return b"gzip"
    if name in (b"deflate", b"identity"):
        return name if name == b"deflate" else b""
    raise Rejection(
        415,
        "unknown_encoding",
        "content-encoding may be gzip, deflate or absent",
        headers=(("accept-encoding", "gzip, deflate"),),
    )
