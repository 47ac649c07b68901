import { assert } from '../base/errors.ts';
import { authenticationMessages } from './tables/authentication.ts';
import { containerMessages } from './tables/core-container.ts';
import { coordinationMessages } from './tables/coordination.ts';
import { coreMessages } from './tables/core.ts';
import { discoveryMessages } from './tables/discovery.ts';
import { eventsMessages } from './tables/events.ts';
import { metaMessages } from './tables/meta.ts';
import { networkingMessages } from './tables/networking.ts';
import { nodeApiMessages } from './tables/node-api.ts';
import { nodeMessages } from './tables/core-node.ts';
import { podMessages } from './tables/core-pod.ts';
import { podStatusMessages } from './tables/core-pod-status.ts';
import { resourceMessages } from './tables/resource.ts';
import { storageMessages } from './tables/storage.ts';
import { volumeMessages } from './tables/core-volume.ts';

/*
 * What the messages of the Kubernetes API look like in protobuf and in JSON. The tables are text, one message an entry:
 *
 *   Toleration: 1 key string, 2 operator string, 5 tolerationSeconds *int
 *
 * A field is its number, its name in JSON and its type:
 *
 *   T    a value: always on the wire; in JSON unless it is zero (a message: always)
 *   *T   optional: in both when it is set, zero or not
 *   []T  a list
 *   {}T  a map with string keys
 *   >T   a message of its own on the wire, whose fields JSON has among those of the message around it (no name)
 *   …!   in JSON always: as zero, or as null where it is a list, a map, a time or optional
 *
 * T is `string`, `bool`, `int` (32 or 64 bits, signed), `bytes` (base64 in JSON), a message, or one of the types that
 * have a form of their own in JSON: `Quantity`, `Time`, `MicroTime`, `IntOrString`, `JSON` (raw JSON, in a message).
 * A message's name is looked for in its own group, then in `meta`, then in `v1`.
 */

export type Kind =
  | 'string'
  | 'bool'
  | 'int'
  | 'bytes'
  | 'Quantity'
  | 'Time'
  | 'MicroTime'
  | 'IntOrString'
  | 'JSON'
  | 'message';

export type Field = {
  number: number;
  /** In JSON; empty for an inlined message. */
  name: string;
  kind: Kind;
  shape: 'value' | 'optional' | 'list' | 'map' | 'inline';
  /** In JSON even when it is zero or absent on the wire. */
  always: boolean;
  /** Of kind `message`. */
  message: Message | undefined;
};

export type Message = { name: string /** By number, ascending. */; fields: Field[] };

/** The tables of each apiVersion; `meta` are the messages that all of them share. */
const tables: Readonly<Record<string, readonly string[]>> = {
  meta: [metaMessages],
  v1: [podMessages, volumeMessages, containerMessages, podStatusMessages, nodeMessages, coreMessages],
  'authentication.k8s.io/v1': [authenticationMessages],
  'coordination.k8s.io/v1': [coordinationMessages],
  'discovery.k8s.io/v1': [discoveryMessages],
  'events.k8s.io/v1': [eventsMessages],
  'networking.k8s.io/v1': [networkingMessages],
  'node.k8s.io/v1': [nodeApiMessages],
  'resource.k8s.io/v1': [resourceMessages],
  'storage.k8s.io/v1': [storageMessages],
};

const shapes = { '': 'value', '*': 'optional', '[]': 'list', '{}': 'map', '>': 'inline' } as const;

const scalars: ReadonlySet<string> = new Set<Kind>([
  'string',
  'bool',
  'int',
  'bytes',
  'Quantity',
  'Time',
  'MicroTime',
  'IntOrString',
  'JSON',
]);

const groups = parseTables();

function parseTables(): Map<string, Map<string, Message>> {
  const parsed = new Map<string, Map<string, Message>>();
  const texts: { group: string; message: Message; text: string }[] = [];
  for (const [group, parts] of Object.entries(tables)) {
    const messages = new Map<string, Message>();
    for (const entry of parts.join('').matchAll(/^(\w+):([^:]*)$/gm)) {
      const [, name = '', text = ''] = entry;
      const message: Message = { name, fields: [] };
      assert(!messages.has(name), `two messages ${group}/${name}`);
      messages.set(name, message);
      texts.push({ group, message, text });
    }
    parsed.set(group, messages);
  }
  const messageNamed = (group: string, name: string): Message => {
    for (const where of [group, 'meta', 'v1']) {
      const message = parsed.get(where)?.get(name);
      if (message !== undefined) return message;
    }
    throw new Error(`no message ${name} for ${group}`);
  };
  for (const { group, message, text } of texts) {
    for (const part of text.split(',')) {
      const match = /^\s*(\d+) (?:(\w+) )?(\*|\[\]|\{\}|>|)(\w+)(!?)\s*$/.exec(part);
      assert(match !== null, `field of ${group}/${message.name}: ${part}`);
      const [, number, name = '', shape, type = '', always] = match;
      const scalar = scalars.has(type);
      message.fields.push({
        number: Number(number),
        name,
        kind: scalar ? (type as Kind) : 'message',
        shape: shapes[shape as keyof typeof shapes],
        always: always === '!',
        message: scalar ? undefined : messageNamed(group, type),
      });
    }
  }
  return parsed;
}

const lists = new Map<Message, Message>();

/** All lists look the same. */
function listOf(item: Message, listMeta: Message): Message {
  let list = lists.get(item);
  if (list === undefined) {
    const common = { kind: 'message', always: false } as const;
    list = {
      name: `${item.name}List`,
      fields: [
        { ...common, number: 1, name: 'metadata', shape: 'value', message: listMeta },
        { ...common, number: 2, name: 'items', shape: 'list', always: true, message: item },
      ],
    };
    lists.set(item, list);
  }
  return list;
}

/**
 * The message of an object. Status, DeleteOptions and their like belong to every group; a list is its items' kind with
 * `List` behind.
 * @returns undefined for kinds that have no table.
 */
export function messageOf(apiVersion: string, kind: string): Message | undefined {
  const meta = groups.get('meta');
  const known = groups.get(apiVersion)?.get(kind) ?? meta?.get(kind);
  if (known !== undefined || !kind.endsWith('List')) return known;
  const item = messageOf(apiVersion, kind.slice(0, -'List'.length));
  const listMeta = meta?.get('ListMeta');
  return item === undefined || listMeta === undefined ? undefined : listOf(item, listMeta);
}

/** Every message of the tables, with the apiVersion that its table is of; for tests. */
export function* allMessages(): Generator<{ group: string; message: Message }> {
  for (const [group, messages] of groups) {
    for (const message of messages.values()) yield { group, message };
  }
}
