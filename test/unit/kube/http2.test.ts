import { type ServerHttp2Session, createServer } from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import * as fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { frame, frameTypes, flags, goAwayFrame, settingsFrame } from '../../../src/kube/http2/frames.ts';
import { HeaderEncoder, readResponseHead } from '../../../src/kube/http2/hpack.ts';
import { decodeHuffman } from '../../../src/kube/http2/huffman.ts';
import { Http2Session } from '../../../src/kube/http2/session.ts';
import type { StreamEnd } from '../../../src/kube/http2/stream.ts';
import { KeepAlive } from '../../../src/kube/keep-alive.ts';
import { FakeClock } from '../../sim/world.ts';

const open: (() => void)[] = [];

afterEach(() => {
  for (const close of open.splice(0).toReversed()) close();
});

/** What one request came to. */
class Answer {
  status = 0;
  contentType = '';
  date = '';
  body = '';
  end: StreamEnd | undefined;
  onEnded: (() => void) | undefined;

  onResponse(status: number, contentType: string, _retryAfterSeconds: number | undefined, date = ''): void {
    this.status = status;
    this.contentType = contentType;
    this.date = date;
  }

  onData(chunk: Buffer): void {
    this.body += chunk.toString('utf8');
  }

  onEnd(end: StreamEnd): void {
    this.end = end;
    this.onEnded?.();
  }
}

type Spoken = { sent: Buffer[]; broken: Error[]; goAways: number; drained: number };

/** A session whose server is the test. */
function session(): { session: Http2Session; spoken: Spoken } {
  const spoken: Spoken = { sent: [], broken: [], goAways: 0, drained: 0 };
  const made = new Http2Session('server', {
    send: (bytes) => void spoken.sent.push(bytes),
    onRoom: () => {},
    onGoAway: () => void spoken.goAways++,
    onDrained: () => void spoken.drained++,
    onBroken: (error) => void spoken.broken.push(error),
  });
  return { session: made, spoken };
}

/** `:status` 200 by its index. */
const ok = Buffer.from([0x88]);
const settings = settingsFrame([]);
const headers = (id: number, block = ok, more = 0): Buffer =>
  frame(frameTypes.headers, flags.endHeaders | more, id, block);
const data = (id: number, text: string, more = 0): Buffer =>
  frame(frameTypes.data, more, id, Buffer.from(text));

/** A session with a server of `node:http2`, without TLS. */
async function withServer(
  answer: (
    headers: Record<string, unknown>,
    body: string,
  ) => { status: number; contentType?: string; body: string },
): Promise<{ session: Http2Session; serverSession: () => ServerHttp2Session | undefined }> {
  const server = createServer({ settings: { initialWindowSize: 1000 } });
  let last: ServerHttp2Session | undefined;
  server.on('session', (one) => (last = one));
  server.on('stream', (stream, received) => {
    let body = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => (body += chunk));
    stream.on('end', () => {
      const what = answer(received, body);
      stream.respond({
        ':status': what.status,
        ...(what.contentType === undefined ? {} : { 'content-type': what.contentType }),
      });
      // A 204 has ended with its headers.
      if (!stream.writableEnded) stream.end(what.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
  open.push(
    () => server.close(),
    () => last?.destroy(),
    () => socket.destroy(),
  );
  const made = new Http2Session('server', {
    send: (bytes) => void socket.write(bytes),
    onRoom: () => {},
    onGoAway: () => {},
    onDrained: () => socket.end(),
    onBroken: (error) => socket.destroy(error),
  });
  socket.on('data', (chunk) => made.receive(chunk));
  socket.on('close', () => made.close('closed', 'closed'));
  return { session: made, serverSession: () => last };
}

function ask(
  made: Http2Session,
  method: string,
  path: string,
  given: Record<string, string | string[]>,
  body?: Buffer,
): Promise<Answer> {
  const answer = new Answer();
  return new Promise((resolve) => {
    answer.onEnded = () => resolve(answer);
    made.request(method, path, given, body, answer);
  });
}

const headerName = fc.stringMatching(/^x-[a-z]{1,12}$/);
const headerValue = fc.stringMatching(/^[!-~]([ -~]{0,80}[!-~])?$/);

describe('the HTTP/2 client', () => {
  it('is understood by another implementation: headers, bodies of any size, and their answers', async () => {
    const seen: { headers: Record<string, unknown>; body: string }[] = [];
    const { session: made } = await withServer((received, body) => {
      seen.push({ headers: received, body });
      return { status: 201, contentType: 'application/vnd.kubernetes.protobuf', body: `got ${body.length}` };
    });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE'),
        fc.dictionary(headerName, headerValue, { maxKeys: 5 }),
        fc.option(fc.nat({ max: 200_000 }), { nil: undefined }),
        async (method, given, size) => {
          const body = size === undefined ? undefined : Buffer.alloc(size, 'x');
          const answer = await ask(made, method, '/api?watch=true', given, body);
          expect(answer).toMatchObject({
            status: 201,
            contentType: 'application/vnd.kubernetes.protobuf',
            body: `got ${size ?? 0}`,
            end: { how: 'complete' },
          });
          const at = Date.parse(answer.date);
          expect(Math.abs(Date.now() - at)).toBeLessThan(60_000);
          expect(answer.date).toBe(new Date(at).toUTCString());
          const { headers: received, body: read } = seen.at(-1) ?? { headers: {}, body: '' };
          expect(received).toMatchObject({
            ...given,
            ':method': method,
            ':path': '/api?watch=true',
            ':scheme': 'https',
            ':authority': 'server',
          });
          expect(read.length).toBe(size ?? 0);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('reads every status, and answers that are larger than the windows', async () => {
    const large = 'y'.repeat(6 * 1024 * 1024);
    const { session: made } = await withServer((received) => ({
      status: Number(String(received[':path']).slice(1)),
      body: received[':path'] === '/200' ? large : '',
    }));
    for (const status of [200, 201, 204, 206, 304, 400, 404, 409, 410, 429, 500, 503, 599]) {
      const answer = await ask(made, 'GET', `/${status}`, {});
      expect(answer.status).toBe(status);
      expect(answer.body.length).toBe(status === 200 ? large.length : 0);
    }
  });

  it('reads the same whatever the pieces are in which it arrives', () => {
    const all = Buffer.concat([
      settings,
      headers(1),
      data(1, 'one'),
      frame(frameTypes.headers, 0, 3, ok.subarray(0, 0)),
      frame(frameTypes.continuation, flags.endHeaders, 3, ok),
      frame(frameTypes.data, flags.padded, 3, Buffer.from([2, 0x61, 0x62, 0, 0])),
      data(1, ' two', flags.endStream),
      headers(3, Buffer.alloc(0), flags.endStream),
    ]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 60 }), (sizes) => {
        const { session: made, spoken } = session();
        const [first, second] = [new Answer(), new Answer()];
        made.request('GET', '/1', {}, undefined, first);
        made.request('GET', '/2', {}, undefined, second);
        let at = 0;
        for (const size of [...sizes, all.length]) {
          // Into one buffer, as a socket's reads do.
          const piece = Buffer.from(all.subarray(at, at + size));
          made.receive(piece);
          piece.fill(0);
          at += size;
        }
        expect(spoken.broken).toEqual([]);
        expect(first).toMatchObject({ status: 200, body: 'one two', end: { how: 'complete' } });
        expect(second).toMatchObject({ status: 200, body: 'ab', end: { how: 'complete' } });
      }),
    );
  });

  it('never throws, and ends what does not keep to the protocol by one error', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
      fc
        .tuple(
          fc.nat({ max: 12 }),
          fc.nat({ max: 255 }),
          fc.nat({ max: 4 }),
          fc.uint8Array({ maxLength: 40 }),
        )
        .map(([type, frameFlags, id, payload]) => frame(type, frameFlags, id, Buffer.from(payload))),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const { session: made, spoken } = session();
        made.request('GET', '/', {}, undefined, new Answer());
        made.receive(settings);
        for (const bytes of pieces) {
          made.receive(bytes);
          if (spoken.broken.length > 0) made.close('closed', 'broken');
        }
        expect(spoken.broken.length).toBeLessThanOrEqual(1);
        for (const error of spoken.broken) expect(error.message).toMatch(/^HTTP\/2/);
      }),
    );
  });

  it.each([
    ['a frame of 16 MB', Buffer.from([0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1]), /16777215 bytes/],
    ['no SETTINGS', headers(1), /did not begin with SETTINGS/],
    ['a push', Buffer.concat([settings, frame(frameTypes.pushPromise, 4, 1, Buffer.alloc(8))]), /push/],
    ['DATA first', Buffer.concat([settings, data(1, 'x')]), /DATA before HEADERS/],
    ['a dynamic table', Buffer.concat([settings, headers(1, Buffer.from([0xff, 0x00]))]), /empty table/],
    [
      'an endless header block',
      Buffer.concat([
        settings,
        frame(frameTypes.headers, 0, 1, Buffer.alloc(16_000)),
        ...Array.from({ length: 5 }, () => frame(frameTypes.continuation, 0, 1, Buffer.alloc(16_000))),
      ]),
      /header block of more than/,
    ],
  ])('gives up on a server that sends %s', (_, bytes, message) => {
    const { session: made, spoken } = session();
    made.request('GET', '/', {}, undefined, new Answer());
    made.receive(bytes);
    expect(spoken.broken).toHaveLength(1);
    expect(spoken.broken[0]?.message).toMatch(message);
  });

  it('gives back, after GOAWAY, what the server has not looked at, and ends when the rest is done', () => {
    const { session: made, spoken } = session();
    const answers = [new Answer(), new Answer(), new Answer()];
    for (const answer of answers) made.request('POST', '/', {}, Buffer.from('{}'), answer);
    made.receive(settings);
    const goAway = goAwayFrame(0);
    goAway.writeUInt32BE(3, 9);
    made.receive(goAway);
    expect(answers.map(({ end }) => end?.how)).toEqual([undefined, undefined, 'refused']);
    expect(made.room).toBe(0);
    made.receive(Buffer.concat([headers(1, ok, flags.endStream)]));
    expect(spoken.drained).toBe(0);
    made.receive(headers(3, ok, flags.endStream));
    expect(spoken).toMatchObject({ goAways: 1, drained: 1 });
    expect(answers.map(({ end }) => end?.how)).toEqual(['complete', 'complete', 'refused']);
  });

  it('does not send more than the server has room for', () => {
    const { session: made, spoken } = session();
    made.receive(settings);
    const before = spoken.sent.length;
    made.request('POST', '/', {}, Buffer.alloc(100_000), new Answer());
    const sentBytes = (): number =>
      spoken.sent.slice(before).reduce((sum, bytes) => sum + (bytes[3] === 0 ? bytes.length - 9 : 0), 0);
    expect(sentBytes()).toBe(65_535);
    const window = (id: number, more: number): Buffer => {
      const payload = Buffer.alloc(4);
      payload.writeUInt32BE(more);
      return frame(frameTypes.windowUpdate, 0, id, payload);
    };
    made.receive(window(1, 20_000));
    expect(sentBytes()).toBe(65_535);
    made.receive(window(0, 50_000));
    expect(sentBytes()).toBe(85_535);
    made.receive(window(1, 50_000));
    expect(sentBytes()).toBe(100_000);
  });
});

describe('header compression', () => {
  it('knows the code of RFC 7541: its examples (appendix C.4 and C.6)', () => {
    const of = (hex: string): string => decodeHuffman(Buffer.from(hex, 'hex'));
    expect(of('f1e3c2e5f23a6ba0ab90f4ff')).toBe('www.example.com');
    expect(of('a8eb10649cbf')).toBe('no-cache');
    expect(of('6402')).toBe('302');
    expect(of('d07abe941054d444a8200595040b8166e082a62d1bff')).toBe('Mon, 21 Oct 2013 20:13:21 GMT');
    expect(() => of('ffffffff')).toThrow(/no Huffman code/);
  });

  it('names a header that was sent before by its index, and sends none that way without a table', () => {
    const usual = new HeaderEncoder();
    const agent = { 'user-agent': 'kubelet/v1.36.3 (linux/amd64) hollowmark' };
    const first = usual.encode('GET', 'server', '/', agent).length;
    expect(first - usual.encode('GET', 'server', '/', agent).length).toBeGreaterThan(40);
    const without = new HeaderEncoder();
    without.limitTable(0);
    const announcing = without.encode('GET', 'server', '/', agent).length;
    expect(announcing).toBeGreaterThanOrEqual(first);
    // One byte less from then on: the announcement that the table is gone.
    expect(without.encode('GET', 'server', '/', agent).length).toBe(announcing - 1);
  });

  it('reads the date of an answer, plain or in Huffman code, and anew when it is another', () => {
    const [status, name] = [0x88, [0x0f, 33 - 15]];
    const plain = (text: string): Buffer =>
      Buffer.from([status, ...name, text.length, ...Buffer.from(text, 'latin1')]);
    const coded = Buffer.from('d07abe941054d444a8200595040b8166e082a62d1bff', 'hex');
    const huffman = Buffer.from([status, ...name, 0x80 | coded.length, ...coded]);
    const dates = [huffman, plain('one'), huffman, huffman, plain('two'), Buffer.from([status])].map(
      (block) => readResponseHead(block).date,
    );
    const known = 'Mon, 21 Oct 2013 20:13:21 GMT';
    expect(dates).toEqual([known, 'one', known, known, 'two', '']);
  });

  it('never throws anything but a typed error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        try {
          readResponseHead(Buffer.from(bytes));
        } catch (error) {
          expect((error as Error).name).toBe('HollowmarkError');
        }
      }),
    );
  });
});

describe('the health check of connections', () => {
  it('sends a PING after 30 s without a frame, and gives up 15 s later', () => {
    const clock = new FakeClock();
    const keepAlive = new KeepAlive(clock);
    let pings = 0;
    let lost = 0;
    let heard = false;
    const connection = {
      heard: () => {
        const was = heard;
        heard = false;
        return was;
      },
      ping: () => void pings++,
      lost: () => void lost++,
    };
    keepAlive.add(connection);
    clock.advance(29_500);
    expect(pings).toBe(0);
    heard = true;
    clock.advance(30_000);
    expect(pings).toBe(0);
    clock.advance(1_000);
    expect(pings).toBe(1);
    // The answer to a PING is a frame like any other.
    heard = true;
    clock.advance(31_000);
    expect({ pings, lost }).toEqual({ pings: 2, lost: 0 });
    clock.advance(15_000);
    expect({ pings, lost }).toEqual({ pings: 2, lost: 1 });
    keepAlive.remove(connection);
    clock.advance(100_000);
    expect(pings).toBe(2);
  });
});
