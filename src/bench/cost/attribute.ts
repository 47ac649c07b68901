/** What V8's sampling profiler gives, as far as it is read here: a tree of calls, and which of them each sample met. */
export type CpuProfile = {
  nodes: { id: number; callFrame: { functionName: string; url: string }; children?: number[] }[];
  samples: number[];
  /** µs before each sample, from the one before it. */
  timeDeltas: number[];
};

/**
 * Time of one sample, in µs. `room`: whose own code it was, or that of packages and of Node.js on its behalf; a room is a
 * folder of `dist/`. `within`: all rooms on the way to it, each once.
 */
export type RoomTime = { room: string; within: readonly string[]; us: number };

/** What no room has called: Node.js' own work between two callbacks. */
const outside = 'Node.js';

const idle = 'idle';

/** V8's names for where it saw no JavaScript running. The last one is the event loop's system calls, TLS, compiling. */
const states: Readonly<Record<string, string>> = {
  '(idle)': idle,
  '(garbage collector)': 'garbage collection',
  '(program)': 'native code',
};

/**
 * The time of each sample of a profile, idle time left out. A sample belongs to the innermost function that lies in a room:
 * what a histogram's package or node:tls does is done for whoever called it.
 * @param distUrl `file:///…/dist/`.
 */
export function* attribute(profile: CpuProfile, distUrl: string): Generator<RoomTime> {
  const places = placesOf(profile, distUrl);
  for (const [index, id] of profile.samples.entries()) {
    const place = places.get(id);
    // A sample stands for the time until the next one.
    const us = profile.timeDeltas[index + 1] ?? 0;
    if (place !== undefined && place.room !== idle && us > 0) yield { ...place, us };
  }
}

type Place = { room: string; within: readonly string[] };

/** For each call of the tree: the innermost room, and all of them on the way to it. */
function placesOf({ nodes }: CpuProfile, distUrl: string): Map<number, Place> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const places = new Map<number, Place>();
  const children = new Set(nodes.flatMap((node) => node.children ?? []));
  const top: Place = { room: outside, within: [] };
  // Not by recursion: stacks of promises are thousands deep.
  const open = nodes.filter(({ id }) => !children.has(id)).map((node) => ({ node, above: top }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, above } = next;
    const place = placeOf(node.callFrame, above, distUrl);
    places.set(node.id, place);
    for (const id of node.children ?? []) {
      const child = byId.get(id);
      if (child !== undefined) open.push({ node: child, above: place });
    }
  }
  return places;
}

function placeOf(
  { functionName, url }: CpuProfile['nodes'][number]['callFrame'],
  above: Place,
  distUrl: string,
): Place {
  const state = url === '' ? states[functionName] : undefined;
  if (state !== undefined) return { room: state, within: above.within };
  if (!url.startsWith(distUrl)) return above;
  const room = url.slice(distUrl.length).split('/')[0] ?? outside;
  return above.within.includes(room)
    ? { room, within: above.within }
    : { room, within: [...above.within, room] };
}
