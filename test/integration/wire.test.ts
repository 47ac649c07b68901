import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { Prng } from '../../src/base/prng.ts';
import { ApiClient, type ApiResponse, type RequestVerb } from '../../src/kube/client.ts';
import { HandshakeGate } from '../../src/kube/handshake-gate.ts';
import { certificateIdentity } from '../../src/kube/identity.ts';
import { Reflector } from '../../src/kube/reflector.ts';
import { CallMetrics, callClass } from '../../src/metrics/call-metrics.ts';
import { type Codec, type EventMetadata, type RawWatchEvent, wireFormats } from '../../src/wire/codec.ts';
import { jsonCodec } from '../../src/wire/json-codec.ts';
import { codecOf } from '../../src/wire/negotiation.ts';
import { protobufCodec } from '../../src/wire/protobuf-codec.ts';
import { type Message, allMessages, messageOf } from '../../src/wire/schema.ts';
import { TestControlPlane, testNodes } from './support.ts';
import { type Sample, samples } from './wire-objects.ts';
import { ephemeralContainer, otherPod, plainPod, richPod, richPodStatus } from './wire-pod.ts';

/*
 * The API server is the oracle: what it writes as JSON and as protobuf is the same object, and so has to be what the
 * two codecs read; what it reads from our protobuf has to be what we meant.
 */

type Json = Record<string, unknown>;
type Named = { apiVersion: string; kind: string; metadata: Json & { name: string; resourceVersion: string } };

const anyCall = callClass('ANY', 'any', '', 'resource');
const podsPath = '/api/v1/namespaces/NAMESPACE/pods';

let plane: TestControlPlane;
let clients: Record<'json' | 'protobuf', ApiClient>;

const client = (codec: Codec): ApiClient =>
  new ApiClient({
    endpoint: plane.controlPlane.endpoint,
    identity: certificateIdentity(plane.controlPlane.endpoint, plane.controlPlane.admin),
    codec,
    userAgent: 'hollowmark-test',
    clock: systemClock,
    prng: new Prng('wire'),
    metrics: new CallMetrics(),
    handshakes: new HandshakeGate(4),
  });

/** `message.field` of all that went over the wire as protobuf. */
const seen = new Set<string>();

function noteObject(object: Json): void {
  const message = messageOf(object['apiVersion'] as string, object['kind'] as string);
  if (message !== undefined) noteFields(message, object);
}

function noteFields(message: Message, object: Json): void {
  for (const field of message.fields) {
    const value = field.shape === 'inline' ? object : object[field.name];
    if (value === undefined || value === null) continue;
    seen.add(`${message.name}.${field.name}`);
    if (field.message === undefined) continue;
    const values = field.shape === 'list' || field.shape === 'map' ? Object.values(value) : [value];
    for (const each of values) noteFields(field.message, each as Json);
  }
}

/** @throws when the answer is not of the client's own content type, or no success. */
async function call<T = Named>(
  codec: 'json' | 'protobuf',
  method: RequestVerb,
  path: string,
  body?: unknown,
): Promise<{ object: T; bytes: Buffer }> {
  const answer = await exchange(codec, method, path, body);
  expect(answer.contentType).toContain(clients[codec].codec.contentType);
  const object = codecOf(answer.contentType).decode(answer.body) as T;
  if (codec === 'protobuf') noteObject(object as Json);
  if (answer.status >= 300) {
    throw new Error(`${method} ${path}: ${answer.status} ${(object as { message?: string }).message}`);
  }
  return { object, bytes: answer.body };
}

function exchange(
  codec: 'json' | 'protobuf',
  method: RequestVerb,
  path: string,
  body?: unknown,
): Promise<ApiResponse> {
  if (codec === 'protobuf' && body !== undefined) noteObject(body as Json);
  return clients[codec].request({
    method,
    path,
    kind: anyCall,
    body: body === undefined ? undefined : clients[codec].codec.encode(body),
  });
}

/** A sample as it stands in one namespace. */
function inNamespace<T>(value: T, namespace: string): T {
  return JSON.parse(JSON.stringify(value).replaceAll('NAMESPACE', namespace)) as T;
}

/** The same object at the same resourceVersion, under both codecs. */
async function readBoth(path: string): Promise<{ json: Named; protobuf: Named; bytes: Buffer }> {
  for (;;) {
    const json = await call('json', 'GET', path);
    const protobuf = await call('protobuf', 'GET', path);
    if (json.object.metadata.resourceVersion === protobuf.object.metadata.resourceVersion) {
      return { json: json.object, protobuf: protobuf.object, bytes: protobuf.bytes };
    }
  }
}

/** Of metadata, what two objects of one make cannot share. */
const identity = new Set([
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'deletionTimestamp',
  'managedFields',
  'generation',
]);

/** What the API server allots. */
const allotted = new Set(['clusterIP', 'clusterIPs', 'nodePort', 'healthCheckNodePort']);

/** What two objects of one make share, whichever namespace they are in. */
function withoutIdentity({ metadata, ...rest }: Named): Json {
  const kept = Object.fromEntries(Object.entries(metadata).filter(([key]) => !identity.has(key)));
  const spec = { ...(rest as { spec?: { taints?: { key: string }[] } }).spec };
  // The rest is its controller's, which comes when it comes.
  if (rest.kind === 'ServiceCIDR') return { spec };
  // Likewise.
  if (spec.taints !== undefined)
    spec.taints = spec.taints.filter(({ key }) => !key.startsWith('node.kubernetes.io/'));
  const shared = JSON.stringify({ ...rest, metadata: kept, spec }).replaceAll(
    '"namespace":"protobuf"',
    '"namespace":"json"',
  );
  return JSON.parse(shared, (key, value: unknown) => (allotted.has(key) ? undefined : value)) as Json;
}

const allSamples: Sample[] = [
  ...samples,
  { path: podsPath, object: richPod, status: richPodStatus },
  { path: podsPath, object: plainPod },
  { path: podsPath, object: otherPod, status: { phase: 'Pending', nominatedNodeName: 'n' } },
];
const titled = allSamples.map(
  (sample) =>
    [`${sample.object['kind'] as string} ${(sample.object as Named).metadata.name}`, sample] as const,
);
const pathOf = (sample: Sample): string => `${sample.path}/${(sample.object as Named).metadata.name}`;

async function create(codec: 'json' | 'protobuf', sample: Sample): Promise<void> {
  await call(codec, 'POST', sample.path, sample.object);
  const isRichPod =
    (sample.object as Named).metadata.name.startsWith('rich') && sample.object['kind'] === 'Pod';
  if (isRichPod) {
    await update(codec, `${pathOf(sample)}/ephemeralcontainers`, (pod) => ({
      ...pod,
      spec: { ...(pod['spec'] as Json), ephemeralContainers: [ephemeralContainer] },
    }));
  }
  if (sample.status !== undefined) {
    await update(codec, `${pathOf(sample)}/status`, (object) => ({ ...object, status: sample.status }));
  }
  // Its finalizer keeps it there, with a deletionTimestamp.
  if (isRichPod) await call(codec, 'DELETE', pathOf(sample), { apiVersion: 'v1', kind: 'DeleteOptions' });
}

/** GET, change, PUT; once more when somebody else has written it. */
async function update(
  codec: 'json' | 'protobuf',
  path: string,
  change: (object: Json) => Json,
): Promise<void> {
  const [objectPath = ''] = path.split(/\/(?:status|ephemeralcontainers)$/);
  for (let tries = 0; ; tries++) {
    const { object } = await call(codec, 'GET', objectPath);
    const answer = await exchange(codec, 'PUT', path, change(object));
    if (answer.status === 200) return;
    const { message } = codecOf(answer.contentType).decode(answer.body) as { message: string };
    if (answer.status !== 409 || tries > 5) throw new Error(`PUT ${path}: ${answer.status} ${message}`);
  }
}

async function makeNamespace(name: string): Promise<void> {
  await call('json', 'POST', '/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name },
  });
  for (;;) {
    const { status } = await exchange('json', 'GET', `/api/v1/namespaces/${name}/serviceaccounts/default`);
    if (status === 200) return;
  }
}

beforeAll(async () => {
  // Fields behind gates too; the one gate that is off keeps the server from starting.
  const flags = [
    '--feature-gates=AllAlpha=true,AllBeta=true,StorageVersionAPI=false',
    '--runtime-config=api/all=true',
  ];
  plane = await TestControlPlane.start({ extraFlags: { 'kube-apiserver': flags } });
  clients = { json: client(jsonCodec), protobuf: client(protobufCodec) };
  await makeNamespace('json');
  for (const sample of inNamespace(allSamples, 'json')) await create('json', sample);
});

afterAll(async () => {
  for (const each of Object.values(clients)) each.close();
  await plane.stop();
});

describe.each(titled)('%s', (_, sample) => {
  const path = pathOf(inNamespace(sample, 'json'));

  it('reads the same as JSON and as protobuf, and is written back byte for byte', async () => {
    const { json, protobuf, bytes } = await readBoth(path);
    expect(protobuf).toEqual(json);
    expect(protobufCodec.encode(protobuf).equals(bytes)).toBe(true);
  });

  it('is unchanged by being written as protobuf', async () => {
    for (;;) {
      const { json } = await readBoth(path);
      const answer = await exchange('protobuf', 'PUT', path, json);
      if (answer.status === 409) continue;
      expect(codecOf(answer.contentType).decode(answer.body)).toEqual(json);
      return;
    }
  });
});

it('makes of protobuf what it makes of JSON', async () => {
  await makeNamespace('protobuf');
  for (const sample of allSamples) {
    const here = inNamespace(sample, 'json');
    const there = inNamespace(sample, 'protobuf');
    (there.object as Named).metadata.name += '-2';
    const before = (await readBoth(pathOf(here))).json;
    await create('protobuf', there);
    const after = (await readBoth(pathOf(there))).json;
    expect(withoutIdentity(after)).toEqual(withoutIdentity(before));
  }
});

it('streams what it answers', async () => {
  const collections = new Set(allSamples.map(({ path }) => path.replace('NAMESPACE', 'json')));
  for (const path of collections) {
    const events = await listed(clients.protobuf, path);
    const twins = await listed(clients.json, path);
    expect(events.size).toBeGreaterThan(0);
    for (const [name, { object, metadata, resourceVersion }] of events) {
      const twin = twins.get(name);
      // What somebody has changed in between is another object.
      if (twin?.resourceVersion !== resourceVersion) continue;
      expect(object).toEqual(twin.object);
      expect(metadata).toEqual(twin.metadata);
    }
  }
});

type Listed = Pick<RawWatchEvent, 'resourceVersion'> & { object: unknown; metadata: EventMetadata };

/** All objects of a streaming list, by name. */
function listed(from: ApiClient, path: string): Promise<Map<string, Listed>> {
  return new Promise((resolve, reject) => {
    const events = new Map<string, Listed>();
    const reflector = new Reflector(
      from,
      { path, selector: '', timeoutSecondsMin: 60, sendsTimeout: false },
      {
        onListing: () => {},
        onEvent: (event) => {
          const object = event.object() as Named;
          const { resourceVersion } = event;
          expect(resourceVersion).toBe(object.metadata.resourceVersion);
          events.set(object.metadata.name, { object, resourceVersion, metadata: event.metadata() });
        },
        onSynced: () => {
          reflector.stop();
          resolve(events);
        },
        onInterrupted: (reason) => {
          reflector.stop();
          reject(new Error(reason));
        },
        onFault: reject,
      },
    );
  });
}

it.each(['json', 'protobuf'] as const)(
  'lists plainly what is refused as a stream, and goes on: %s',
  async (format) => {
    const real = clients[format];
    const from = Object.create(real) as ApiClient;
    let refused = false;
    from.stream = (path, handler) => {
      if (refused) return real.stream(path, handler);
      refused = true;
      queueMicrotask(() => {
        handler.onResponse(403, 'text/plain', undefined);
        handler.onEnd({ how: 'complete', reason: '' });
      });
      return real.stream('/livez', { onResponse() {}, onData() {}, onEnd() {}, onFailure() {} });
    };
    const made = `after-${format}`;
    const names = await new Promise<string[]>((resolve, reject) => {
      const told: string[] = [];
      const reflector = new Reflector(
        from,
        { path: '/api/v1/services', selector: '', timeoutSecondsMin: 60, sendsTimeout: false },
        {
          onListing: () => {},
          onEvent: (event) => {
            const { name } = (event.object() as Named).metadata;
            told.push(name);
            if (name !== made) return;
            reflector.stop();
            resolve(told);
          },
          onSynced: () => {
            const service = { metadata: { name: made }, spec: { ports: [{ port: 80 }] } };
            const body = { apiVersion: 'v1', kind: 'Service', ...service };
            call(format, 'POST', '/api/v1/namespaces/default/services', body).catch(reject);
          },
          onFault: reject,
        },
      );
    });
    expect(names).toContain('kubernetes');
    expect(names.at(-1)).toBe(made);
  },
);

it('lists in pages, and metadata alone', async () => {
  const path = '/apis/resource.k8s.io/v1/resourceslices?limit=2';
  const { object: page } = await call<Json>('protobuf', 'GET', path);
  const { object: twin } = await call<Json>('json', 'GET', path);
  // Each list has a continuation of its own.
  const { continue: next, ...metadata } = page['metadata'] as Json;
  expect(next).toBeTypeOf('string');
  expect({ ...page, metadata: { ...metadata, continue: '' } }).toEqual({
    ...twin,
    metadata: { ...(twin['metadata'] as Json), continue: '' },
  });
  const accept = 'application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
  const { body } = await clients.protobuf.request({
    method: 'GET',
    path: '/api/v1/nodes/rich',
    kind: anyCall,
    accept,
  });
  const partial = protobufCodec.decode(body) as Named;
  noteObject(partial);
  expect(partial).toEqual({
    apiVersion: 'meta.k8s.io/v1',
    kind: 'PartialObjectMetadata',
    metadata: { ...(await readBoth('/api/v1/nodes/rich')).json.metadata, ...partial.metadata },
  });
});

it('asks for tokens', async () => {
  const { object: pod } = await call('json', 'GET', '/api/v1/namespaces/json/pods/rich');
  const request = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {
      audiences: ['vault'],
      expirationSeconds: 3607,
      boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'rich', uid: pod.metadata['uid'] },
    },
  };
  const path = '/api/v1/namespaces/json/serviceaccounts/default/token';
  const { object } = await call<Json>('protobuf', 'POST', path, request);
  const { object: twin } = await call<Json>('json', 'POST', path, request);
  expect(object['spec']).toEqual(request.spec);
  expect(object['spec']).toEqual(twin['spec']);
  expect(object['status']).toEqual({
    token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/) as unknown,
    expirationTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as unknown,
  });
});

it('is refused in protobuf as in JSON', async () => {
  const path = '/api/v1/namespaces/json/configmaps/settings';
  const options = {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    gracePeriodSeconds: 0,
    preconditions: { uid: 'another', resourceVersion: '1' },
    propagationPolicy: 'Background',
    dryRun: ['All'],
  };
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: '-' },
    spec: { ports: [{ port: 0, targetPort: '' }] },
  };
  const old = { apiVersion: 'v1', kind: 'DeleteOptions', orphanDependents: true };
  const unsafe = {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    ignoreStoreReadErrorWithClusterBreakingPotential: true,
  };
  for (const [method, at, body] of [
    ['DELETE', path, options],
    ['GET', '/api/v1/namespaces/json/pods/nobody', undefined],
    ['GET', '/apis/coordination.k8s.io/v1/namespaces/json/leases/nobody', undefined],
    ['DELETE', `${path}-nowhere`, old],
    ['DELETE', `${path}-nowhere`, unsafe],
    ['POST', '/api/v1/namespaces/json/services', service],
  ] as const) {
    const refused = await exchange('protobuf', method, at, body);
    const twin = await exchange('json', method, at, body);
    expect(refused.contentType).toContain('protobuf');
    const status = protobufCodec.decode(refused.body) as Json;
    noteObject(status);
    expect(status).toEqual(jsonCodec.decode(twin.body));
    expect(status).toMatchObject({ kind: 'Status', code: twin.status });
  }
});

it('deletes, and is told what', async () => {
  const path = '/api/v1/namespaces/protobuf/configmaps/settings-2';
  const { object: gone } = await call('json', 'GET', path);
  const { object } = await call('protobuf', 'DELETE', path, { apiVersion: 'v1', kind: 'DeleteOptions' });
  expect(object).toEqual({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name: 'settings-2', kind: 'configmaps', uid: gone.metadata['uid'] },
  });
});

it('deletes many, and is told which', async () => {
  const options = { apiVersion: 'resource.k8s.io/v1', kind: 'DeleteOptions' };
  const path = '/apis/resource.k8s.io/v1/resourceslices?fieldSelector=spec.nodeName%3Drich';
  const { object } = await call<{ kind: string; items: Named[] }>('protobuf', 'DELETE', path, options);
  expect(object.kind).toBe('ResourceSliceList');
  expect(object.items.map(({ metadata }) => metadata.name)).toEqual(['rich', 'rich-2']);
});

it.each(wireFormats)('carries hollow nodes and their proxies in %s', async (wire) => {
  const shard = plane.shard(testNodes(1, `speaks-${wire}`), true, undefined, wire);
  await shard.start();
  const { totals } = shard.report();
  const { errors } = shard.drainStatistics(true);
  shard.stop();
  expect(errors).toEqual([]);
  expect(totals).toMatchObject({ nodesReady: 1, proxiesReady: 1, watchInterruptions: 0 });
});

const dropped = 'taken away by the API server from whatever is written';
const notEphemeral = 'forbidden in an ephemeral container';

/** Fields that this API server neither gives nor takes, and why. One that is seen after all fails. */
const neverSeen: Record<string, string> = {
  'ConfigMapNodeConfigSource.kubeletConfigKey': dropped,
  'ConfigMapNodeConfigSource.name': dropped,
  'ConfigMapNodeConfigSource.namespace': dropped,
  'ConfigMapNodeConfigSource.resourceVersion': dropped,
  'ConfigMapNodeConfigSource.uid': dropped,
  'Endpoint.deprecatedTopology': dropped,
  'EphemeralContainerCommon.lifecycle': notEphemeral,
  'EphemeralContainerCommon.livenessProbe': notEphemeral,
  'EphemeralContainerCommon.ports': notEphemeral,
  'EphemeralContainerCommon.readinessProbe': notEphemeral,
  'EphemeralContainerCommon.resizePolicy': notEphemeral,
  'EphemeralContainerCommon.restartPolicy': notEphemeral,
  'EphemeralContainerCommon.restartPolicyRules': notEphemeral,
  'EphemeralContainerCommon.startupProbe': notEphemeral,
  'ListMeta.selfLink': 'no longer filled',
  'ListMeta.shardInfo': 'only of lists of a part of all objects',
  'NodeConfigSource.configMap': dropped,
  'NodeConfigStatus.active': dropped,
  'NodeConfigStatus.assigned': dropped,
  'NodeConfigStatus.error': dropped,
  'NodeConfigStatus.lastKnownGood': dropped,
  'NodeSpec.configSource': dropped,
  'NodeStatus.config': dropped,
  'ObjectMeta.selfLink': 'no longer filled',
  'ShardInfo.selector': 'only of lists of a part of all objects',
  'StatusDetails.retryAfterSeconds': 'only of an API server that is overloaded',
};

it('has used every field of the tables', async () => {
  // An old event through the new group has what was made of its old fields.
  await readBoth('/apis/events.k8s.io/v1/namespaces/json/events/old');
  const unseen = [...allMessages()].flatMap(({ message }) =>
    message.fields.map((field) => `${message.name}.${field.name}`).filter((field) => !seen.has(field)),
  );
  expect(unseen.toSorted()).toEqual(Object.keys(neverSeen).toSorted());
});

type Schema = { properties?: Record<string, unknown>; 'x-kubernetes-group-version-kind'?: unknown };

it('has the fields that the API server documents, and no others', async () => {
  const documents = new Map<string, Record<string, Schema>>();
  const different: string[] = [];
  for (const { group, message } of allMessages()) {
    const path = group === 'meta' || group === 'v1' ? 'api/v1' : `apis/${group}`;
    const schemas = documents.get(path) ?? (await schemasOf(path));
    documents.set(path, schemas);
    const home =
      group === 'meta'
        ? 'apimachinery.pkg.apis.meta'
        : `api.${group === 'v1' ? 'core' : group.split('.')[0]}`;
    const schema = schemas[`io.k8s.${home}.v1.${message.name}`];
    // Inlined messages have no schema of their own; of `meta`, some are documented only where they are used.
    if (schema === undefined) continue;
    const known = new Set(namesOf(message));
    if (schema['x-kubernetes-group-version-kind'] !== undefined) known.add('apiVersion').add('kind');
    const documented = new Set(Object.keys(schema.properties ?? {}));
    for (const name of new Set([...known, ...documented])) {
      if (!known.has(name) || !documented.has(name)) different.push(`${group} ${message.name}.${name}`);
    }
    checked.add(message.name);
  }
  expect(different).toEqual([]);
  expect(checked.size).toBeGreaterThan(180);
});

const checked = new Set<string>();

async function schemasOf(path: string): Promise<Record<string, Schema>> {
  const { body } = await clients.json.request({ method: 'GET', path: `/openapi/v3/${path}`, kind: anyCall });
  return (JSON.parse(body.toString()) as { components: { schemas: Record<string, Schema> } }).components
    .schemas;
}

function namesOf(message: Message): string[] {
  return message.fields.flatMap((field) =>
    field.shape === 'inline' && field.message !== undefined ? namesOf(field.message) : [field.name],
  );
}
