/** A PNG encoder for 1-bit masks. It uses no canvas, so no browser can change a pixel. */

const SIGNATURE = Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10);
const GREY = 0;
const BAND = 256; // rows packed at once; in between, the page stays responsive

/** Encode `data`, row by row: 0 is black, 1 white. Compressed off the main thread. */
export async function encodeMask(data: Uint8Array, width: number, height: number): Promise<Blob> {
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, width);
  header.setUint32(4, height);
  header.setUint8(8, 1); // bits a pixel
  header.setUint8(9, GREY);
  const pixels = await compress(data, width, height);
  return new Blob(
    [SIGNATURE, chunk("IHDR", new Uint8Array(header.buffer)), chunk("IDAT", pixels), chunk("IEND", new Uint8Array(0))],
    { type: "image/png" },
  );
}

async function compress(data: Uint8Array, width: number, height: number): Promise<Uint8Array<ArrayBuffer>> {
  const { readable, writable } = new CompressionStream("deflate");
  const packed = collect(readable);
  const writer = writable.getWriter();
  for (let top = 0; top < height; top += BAND) {
    await writer.write(pack(data, width, top, Math.min(height, top + BAND)));
  }
  await writer.close();
  return packed;
}

/** PNG scanlines: the filter type (0, none), then eight pixels a byte. */
function pack(data: Uint8Array, width: number, top: number, bottom: number): Uint8Array<ArrayBuffer> {
  const stride = 1 + Math.ceil(width / 8);
  const bytes = new Uint8Array(stride * (bottom - top));
  for (let row = top; row < bottom; row++) {
    const start = (row - top) * stride + 1;
    const line = data.subarray(row * width, (row + 1) * width);
    let byte = 0;
    for (let column = 0; column < width; column++) {
      byte = (byte << 1) | (line[column] ?? 0);
      if ((column & 7) !== 7) continue;
      bytes[start + (column >> 3)] = byte;
      byte = 0;
    }
    if (width % 8 > 0) bytes[start + (width >> 3)] = byte << (8 - (width % 8));
  }
  return bytes;
}

async function collect(stream: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  const reader = stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) parts.push(next.value);
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function chunk(type: string, content: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(12 + content.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, content.length);
  for (let at = 0; at < 4; at++) bytes[4 + at] = type.charCodeAt(at);
  bytes.set(content, 8);
  view.setUint32(8 + content.length, crc(bytes.subarray(4, 8 + content.length)));
  return bytes;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

/** The CRC-32 of a PNG chunk (ISO 3309). */
function crc(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) value = (CRC_TABLE[(value ^ byte) & 0xff] ?? 0) ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}
