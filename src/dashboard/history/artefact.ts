import { extname } from 'node:path';
import { openBelow } from '../http/file-below.ts';
import { type Reply, htmlType, jsonType, notFound, textType } from '../http/reply.ts';

const types: Readonly<Record<string, string>> = {
  '.html': htmlType,
  '.json': jsonType,
  '.png': 'image/png',
  // As text: what browsers make of XML is done by a script, which the sandbox does not let run.
  '.xml': textType,
  '.txt': textType,
  '.md': textType,
  '.csv': textType,
  '.hgrm': textType,
  '.hlog': textType,
  '.log': textType,
  '.yaml': textType,
};

/**
 * A report brings its scripts with it, and says by their hashes that no others run. In a sandbox it has an origin of its
 * own: what somebody put into the folder cannot read these pages in our name.
 */
const reportPolicy =
  "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; font-src data:; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const filePolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/** A file of a run's folder as it is. What a browser has no safe way to show is a download. */
export async function artefact(root: string, parts: readonly string[]): Promise<Reply> {
  const name = parts.at(-1);
  const file = name === undefined ? undefined : await openBelow(root, parts);
  if (name === undefined || file === undefined) return notFound;
  const type = types[extname(name).toLowerCase()] ?? 'application/octet-stream';
  const { handle, sizeBytes } = file;
  return {
    status: 200,
    type,
    policy: type === htmlType ? reportPolicy : filePolicy,
    // A file that is being written may grow meanwhile: what was there is sent, and its length is right.
    body: sizeBytes === 0 ? await empty(handle) : handle.createReadStream({ start: 0, end: sizeBytes - 1 }),
    lengthBytes: sizeBytes,
  };
}

async function empty(handle: { close(): Promise<void> }): Promise<string> {
  await handle.close();
  return '';
}
