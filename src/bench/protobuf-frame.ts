/** A metav1.WatchEvent around an object in its envelope, with its length before it. */
export function protobufFrame(type: string, body: Buffer): Buffer {
  const raw = delimited(1, body);
  const event = Buffer.concat([delimited(1, Buffer.from(type)), delimited(2, raw)]);
  const header = Buffer.alloc(4);
  header.writeUInt32BE(event.length);
  return Buffer.concat([header, event]);
}

function delimited(number: number, body: Buffer): Buffer {
  const head = [(number << 3) | 2];
  let { length } = body;
  for (; length >= 0x80; length >>>= 7) head.push((length & 0x7f) | 0x80);
  return Buffer.concat([Buffer.from([...head, length]), body]);
}
