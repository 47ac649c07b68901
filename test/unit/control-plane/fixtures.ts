import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Reporter } from '../../../src/base/reporter.ts';
import { componentNames } from '../../../src/control-plane/components.ts';
import type { BinariesOptions } from '../../../src/control-plane/control-plane.ts';
import { thisPlatform } from '../../../src/control-plane/sources/platform.ts';

/** A folder of its own for a test; `remove` at the end. */
export async function makeTempDir(): Promise<{ dir: string; remove: () => Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), 'hollowmark-test-'));
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) };
}

export type RecordedReport = { kind: keyof Reporter; text: string };

/** A reporter that remembers. */
export function recordingReporter(): Reporter & {
  reports: RecordedReport[];
  texts(kind: keyof Reporter): string[];
} {
  const reports: RecordedReport[] = [];
  const record =
    (kind: keyof Reporter) =>
    (text: string): void => {
      reports.push({ kind, text });
    };
  return {
    reports,
    texts: (kind) => reports.filter((report) => report.kind === kind).map((report) => report.text),
    step: record('step'),
    progress: record('progress'),
    info: record('info'),
    warn: record('warn'),
  };
}

/** A stand-in for a component: it only says its version. Shell builtins only, so that PATH may be empty. */
export function fakeComponent(version: string): string {
  return `#!/bin/sh\necho "Kubernetes ${version}"\n`;
}

export async function writeScript(path: string, text: string): Promise<void> {
  await writeFile(path, text);
  await chmod(path, 0o755);
}

/** A folder with the four components in `version`. */
export async function writeComponents(dir: string, version: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  for (const name of componentNames) await writeScript(join(dir, name), fakeComponent(version));
}

/** A stand-in for the Go tool in `<dir>/go`; each build adds a line to `<dir>/builds`. */
export async function writeFakeGo(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  await writeScript(
    join(dir, 'go'),
    `#!/bin/sh
case "$1" in
  version) echo "go version go1.99.0 test/test" ;;
  env) echo go1.99.0 ;;
  list) echo "go: downloading example.org/module v1.0.0" >&2; echo one; echo two ;;
  build)
    echo one >&2
    echo built >> "${dir}/builds"
    while [ "$1" != -o ]; do shift; done
    echo '#!/bin/sh' > "$2"
    echo 'echo "Kubernetes v1.36.3"' >> "$2"
    /bin/chmod 755 "$2" ;;
esac
`,
  );
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A release site on loopback. `handlers` are asked first, by path; `requests` are the paths that were asked for. */
export class ReleaseSite {
  readonly requests: string[] = [];
  readonly handlers = new Map<string, Handler>();
  private readonly files = new Map<string, Buffer>();
  private readonly server: Server;
  url = '';

  constructor() {
    this.server = createServer((request, response) => {
      const path = request.url ?? '';
      this.requests.push(path);
      const handler = this.handlers.get(path);
      const file = this.files.get(path);
      if (handler !== undefined) handler(request, response);
      else if (file !== undefined) response.end(file);
      else response.writeHead(404).end('not here');
    });
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    if (!this.server.listening) return;
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** Puts all four components there, with their checksums. */
  addRelease(version: string): void {
    for (const name of componentNames) {
      const content = Buffer.from(fakeComponent(version));
      this.files.set(this.path(version, name), content);
      const sum = createHash('sha256').update(content).digest('hex');
      this.files.set(`${this.path(version, name)}.sha256`, Buffer.from(sum));
    }
  }

  path(version: string, name: string): string {
    return `/${version}/bin/${thisPlatform.os}/${thisPlatform.arch}/${name}`;
  }
}

/** Options whose sources are all empty, with the cache and PATH inside of `dir`. */
export function binariesOptions(dir: string, overrides: Partial<BinariesOptions>): BinariesOptions {
  return {
    version: 'v1.36.3',
    binariesDir: undefined,
    // Nothing listens on port 1.
    releaseUrl: 'http://127.0.0.1:1',
    reporter: recordingReporter(),
    signal: new AbortController().signal,
    env: { PATH: join(dir, 'path'), HOLLOWMARK_CACHE: join(dir, 'cache') },
    ...overrides,
  };
}
