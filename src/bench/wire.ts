import type { Codec } from '../wire/codec.ts';
import { podStatusView, podView } from '../hollow/views.ts';
import { jsonCodec } from '../wire/json-codec.ts';
import { protobufCodec } from '../wire/protobuf-codec.ts';
import type { View } from '../wire/view.ts';
import { benchPod } from './bench-pod.ts';
import { protobufFrame } from './protobuf-frame.ts';

/** One thing that both codecs do, per object: medians of the repeats. */
export type WireFigure = { what: string; jsonUs: number; protobufUs: number };

export type WireResult = {
  pods: number;
  repeats: number;
  /** Bytes of one pod on the wire, on average. */
  bytes: { json: number; protobuf: number };
  figures: WireFigure[];
};

/** Objects are dealt with in turn, so that none is in the processor's cache when it comes round again. */
type Work = { what: string; run: Record<'json' | 'protobuf', () => void> };

/**
 * Reads and writes `pods` pods under each codec, one after the other, `repeats` times; the two take turns, so that what
 * else the machine does falls on both.
 */
export function measureWire(pods: number, repeats: number, say: (text: string) => void): WireResult {
  const objects = Array.from({ length: pods }, (_, index) => benchPod(index));
  const bytes = {
    json: objects.map((object) => jsonCodec.encode(object)),
    protobuf: objects.map((object) => protobufCodec.encode(object)),
  };
  const frames = {
    json: bytes.json.map((body) =>
      Buffer.concat([Buffer.from('{"type":"MODIFIED","object":'), body, Buffer.from('}\n')]),
    ),
    protobuf: bytes.protobuf.map((body) => protobufFrame('MODIFIED', body)),
  };
  const works: Work[] = [
    { what: 'decode, whole', run: decoding(bytes, undefined) },
    { what: "decode, a kubelet's view", run: decoding(bytes, podView) },
    { what: 'decode, status only', run: decoding(bytes, podStatusView) },
    { what: 'encode', run: both((codec) => () => each(objects, (object) => codec.encode(object))) },
    { what: 'watch event, metadata only', run: watching(frames, undefined) },
    { what: "watch event, a kubelet's view", run: watching(frames, podView) },
  ];
  const times = works.map(() => ({ json: [] as number[], protobuf: [] as number[] }));
  // The first round only warms up.
  for (let round = 0; round <= repeats; round++) {
    say(`round ${round} of ${repeats}`);
    for (const [index, { run }] of works.entries()) {
      for (const name of ['json', 'protobuf'] as const) {
        const start = process.cpuUsage();
        run[name]();
        const { user, system } = process.cpuUsage(start);
        if (round > 0) times[index]?.[name].push((user + system) / pods);
      }
    }
  }
  return {
    pods,
    repeats,
    bytes: { json: meanLength(bytes.json), protobuf: meanLength(bytes.protobuf) },
    figures: works.map(({ what }, index) => ({
      what,
      jsonUs: median(times[index]?.json ?? []),
      protobufUs: median(times[index]?.protobuf ?? []),
    })),
  };
}

/** As a table for people. */
export function renderWire({ pods, repeats, bytes, figures }: WireResult): string {
  const rows = figures.map(
    ({ what, jsonUs, protobufUs }) =>
      `| ${what} | ${jsonUs.toFixed(1)} | ${protobufUs.toFixed(1)} | ${(jsonUs / protobufUs).toFixed(1)} |`,
  );
  return `# The wire: JSON and protobuf

${pods} pods, as they are once they run; µs of CPU a pod, garbage collection included, medians of ${repeats} rounds. A pod is ${Math.round(bytes.json)} bytes in JSON and
${Math.round(bytes.protobuf)} in protobuf (${(bytes.json / bytes.protobuf).toFixed(2)} times).

| | JSON | protobuf | JSON ÷ protobuf |
|---|---|---|---|
${rows.join('\n')}
`;
}

type Encoded = Record<'json' | 'protobuf', Buffer[]>;

function both(work: (codec: Codec) => () => void): Work['run'] {
  return { json: work(jsonCodec), protobuf: work(protobufCodec) };
}

function decoding(bytes: Encoded, view: View | undefined): Work['run'] {
  return both((codec) => () => each(bytes[codec.name], (body) => codec.decode(body, view)));
}

function watching(frames: Encoded, view: View | undefined): Work['run'] {
  return both((codec) => () => {
    const decoder = codec.watchDecoder();
    each(frames[codec.name], (frame) => {
      for (const event of decoder.push(frame)) {
        if (view === undefined) event.metadata();
        else event.object(view);
      }
    });
  });
}

function each<T>(items: readonly T[], act: (item: T) => unknown): void {
  for (const item of items) act(item);
}

function meanLength(buffers: readonly Buffer[]): number {
  return buffers.reduce((sum, { length }) => sum + length, 0) / buffers.length;
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
