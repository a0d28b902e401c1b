"""HEIC files as phones write them, made of HEVC pictures that PyAV encodes: pi-heif decodes only."""

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

SRGB = (1, 13, 6)  # code points of primaries, transfer and matrix
ALPHA = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"


def box(name: bytes, *contents: bytes) -> bytes:
    body = b"".join(contents)
    return struct.pack(">I4s", 8 + len(body), name) + body


def full_box(name: bytes, version: int, flags: int, *contents: bytes) -> bytes:
    return box(name, struct.pack(">I", version << 24 | flags), *contents)


def hevc(rgb: NDArray[np.uint8]) -> tuple[bytes, bytes]:
    """Encode a picture: its hvcC box and its coded data."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        options = {"crf": "4", "preset": "ultrafast", "x265-params": "log-level=none:keyint=1:info=0:pools=none"}
        stream = container.add_stream("libx265", rate=1, options=options)
        assert isinstance(stream, VideoStream)
        stream.height, stream.width = rgb.shape[:2]
        stream.pix_fmt = "yuvj444p"
        for packet in (*stream.encode(av.VideoFrame.from_ndarray(rgb, "rgb24")), *stream.encode(None)):
            container.mux(packet)
    data = file.getvalue()
    at = data.index(b"hvcC") - 4
    configuration = data[at : at + int.from_bytes(data[at : at + 4], "big")]
    at = data.index(b"mdat") - 4
    return configuration, data[at + 8 : at + int.from_bytes(data[at : at + 4], "big")]


@dataclass
class _Item:
    name: bytes
    content: bytes
    properties: Sequence[bytes] = ()
    words: bytes = b"\0"
    in_meta: bool = False  # in the idat box
    references: tuple[bytes, Sequence[int]] | None = None


@dataclass
class Heic:
    """A HEIC file in the making. ``encoded`` writes it."""

    rgb: NDArray[np.uint8]
    rotation: int = 0  # quarter turns counter-clockwise (irot)
    profile: bytes | None = None
    codes: tuple[int, int, int] = SRGB
    exif: bytes = b""
    xmp: bytes = b""
    columns: int = 1  # tiles beside each other, as phones write them
    stated_size: tuple[int, int] | None = None
    alpha: NDArray[np.uint8] | None = None
    brand: bytes = b"heic"
    extra_boxes: bytes = b""
    preview: bytes = b""  # content of a thumbnail
    description: bytes = b""  # a property
    name: bytes = b""  # of the picture's item
    items: list[_Item] = field(default_factory=list)

    def encoded(self) -> bytes:
        """Return the file: ftyp, meta, mdat; and ``extra_boxes`` behind them."""
        self.items = [_Item(b"hvc1", b"")]
        height, width = self.rgb.shape[:2]
        turned = [box(b"irot", bytes([self.rotation]))] if self.rotation else []
        if self.columns == 1:
            self.items[0] = self._picture(self.rgb, turned, self.stated_size)
        else:
            tiles = [self._picture(tile, []) for tile in np.split(self.rgb, self.columns, axis=1)]
            grid = bytes([0, 0, 0, self.columns - 1]) + struct.pack(">HH", width, height)
            self.items = [
                _Item(b"grid", grid, [self._ispe(width, height), self._colour(), *turned], in_meta=True),
                *tiles,
            ]
            self.items[0].references = (b"dimg", range(2, 2 + self.columns))
        if self.alpha is not None:
            plane = self._picture(np.repeat(self.alpha[..., None], 3, 2), turned)
            plane.properties = [*plane.properties, full_box(b"auxC", 0, 0, ALPHA)]
            plane.references = (b"auxl", [1])
            self.items.append(plane)
        if self.preview:
            self.items.append(_Item(b"jpeg", self.preview, [self._ispe(16, 16)], references=(b"thmb", [1])))
        if self.description:
            described = full_box(b"udes", 0, 0, b"en\0title\0", self.description, b"\0\0")
            self.items[0].properties = [*self.items[0].properties, described]
        self.items[0].words = self.name + b"\0"
        if self.exif:
            self.items.append(_Item(b"Exif", struct.pack(">I", 0) + self.exif, references=(b"cdsc", [1])))
        if self.xmp:
            words = b"\0application/rdf+xml\0"
            self.items.append(_Item(b"mime", self.xmp, words=words, references=(b"cdsc", [1])))
        ftyp = box(b"ftyp", self.brand, bytes(4), b"mif1", self.brand)
        start = len(ftyp) + len(self._meta(0)) + 8
        body = b"".join(item.content for item in self.items if not item.in_meta)
        return ftyp + self._meta(start) + box(b"mdat", body) + self.extra_boxes

    def _picture(
        self, rgb: NDArray[np.uint8], turned: Sequence[bytes], stated_size: tuple[int, int] | None = None
    ) -> _Item:
        configuration, coded = hevc(rgb)
        width, height = stated_size or (rgb.shape[1], rgb.shape[0])
        return _Item(b"hvc1", coded, [self._ispe(width, height), configuration, self._colour(), *turned])

    def _ispe(self, width: int, height: int) -> bytes:
        return full_box(b"ispe", 0, 0, struct.pack(">II", width, height))

    def _colour(self) -> bytes:
        if self.profile is not None:
            return box(b"colr", b"prof", self.profile)
        return box(b"colr", b"nclx", struct.pack(">HHHB", *self.codes, 0x80))

    def _meta(self, start: int) -> bytes:
        properties = [content for item in self.items for content in item.properties]
        associations, locations, used, in_mdat, in_idat = [], [], 0, start, 0
        for number, item in enumerate(self.items, start=1):
            at = in_idat if item.in_meta else in_mdat
            locations.append(struct.pack(">HHHHII", number, item.in_meta, 0, 1, at, len(item.content)))
            if item.in_meta:
                in_idat += len(item.content)
            else:
                in_mdat += len(item.content)
            indices = bytes(range(used + 1, used + 1 + len(item.properties)))
            used += len(indices)
            associations.append(struct.pack(">HB", number, len(indices)) + indices)
        infos = [
            full_box(b"infe", 2, 0, struct.pack(">HH4s", number, 0, item.name), item.words)
            for number, item in enumerate(self.items, start=1)
        ]
        references = [
            box(
                item.references[0],
                struct.pack(f">HH{len(item.references[1])}H", number, len(item.references[1]), *item.references[1]),
            )
            for number, item in enumerate(self.items, start=1)
            if item.references
        ]
        count = struct.pack(">H", len(self.items))
        return full_box(
            b"meta",
            0,
            0,
            full_box(b"hdlr", 0, 0, bytes(4), b"pict", bytes(12), b"\0"),
            full_box(b"pitm", 0, 0, struct.pack(">H", 1)),
            full_box(b"iinf", 0, 0, count, *infos),
            full_box(b"iref", 0, 0, *references) if references else b"",
            box(
                b"iprp",
                box(b"ipco", *properties),
                full_box(b"ipma", 0, 0, struct.pack(">I", len(self.items)), *associations),
            ),
            box(b"idat", *(item.content for item in self.items if item.in_meta)),
            full_box(b"iloc", 1, 0, b"\x44\0", count, *locations),
        )
