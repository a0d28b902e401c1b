/** The size of a HEIC picture, read from its boxes: most browsers cannot decode it. ISO/IEC 14496-12, 23008-12. */

/** More than the description of a phone's picture needs, which stands before the pixels. */
export const DESCRIPTION_BYTES = 256 * 1024;

interface Box {
  name: string;
  body: number;
  end: number;
}

/** The upright size in pixels of a HEIC file that begins with `start`; null if it cannot be read. */
export function heicSize(start: Uint8Array): { width: number; height: number } | null {
  try {
    return uprightSize(new DataView(start.buffer, start.byteOffset, start.byteLength));
  } catch {
    // A number beyond the end of the view.
    return null;
  }
}

function boxes(view: DataView, from: number, to: number): Box[] {
  const found: Box[] = [];
  for (let at = from; at + 8 <= to; ) {
    const size = view.getUint32(at);
    const name = String.fromCharCode(...[4, 5, 6, 7].map((offset) => view.getUint8(at + offset)));
    if (size < 8) break;
    found.push({ name, body: at + 8, end: Math.min(at + size, to) });
    at += size;
  }
  return found;
}

function uprightSize(view: DataView): { width: number; height: number } | null {
  const child = (all: Box[], name: string) => all.find((box) => box.name === name);
  const meta = child(boxes(view, 0, view.byteLength), "meta");
  const described = meta ? boxes(view, meta.body + 4, meta.end) : [];
  const [primary, properties] = [child(described, "pitm"), child(described, "iprp")];
  if (!primary || !properties) return null;
  const item = view.getUint8(primary.body) ? view.getUint32(primary.body + 4) : view.getUint16(primary.body + 4);
  const containers = boxes(view, properties.body, properties.end);
  const container = child(containers, "ipco");
  const known = container ? boxes(view, container.body, container.end) : [];
  let size: { width: number; height: number } | null = null;
  for (const index of containers.filter(({ name }) => name === "ipma").flatMap((box) => associated(view, box, item))) {
    const property = known[index - 1];
    if (property?.name === "ispe") {
      size = { width: view.getUint32(property.body + 4), height: view.getUint32(property.body + 8) };
    } else if (property?.name === "irot" && size && view.getUint8(property.body) & 1) {
      size = { width: size.height, height: size.width };
    }
  }
  return size;
}

/** The numbers of an item's properties, from 1, in their order. */
function associated(view: DataView, box: Box, wanted: number): number[] {
  const [isLong, isWide] = [view.getUint8(box.body) > 0, (view.getUint8(box.body + 3) & 1) > 0];
  let at = box.body + 8;
  for (let entry = view.getUint32(box.body + 4); entry > 0; entry--) {
    const item = isLong ? view.getUint32(at) : view.getUint16(at);
    at += isLong ? 4 : 2;
    const count = view.getUint8(at++);
    const indices = Array.from({ length: count }, (_, number) =>
      isWide ? view.getUint16(at + 2 * number) & 0x7fff : view.getUint8(at + number) & 0x7f,
    );
    if (item === wanted) return indices;
    at += count * (isWide ? 2 : 1);
  }
  return [];
}
