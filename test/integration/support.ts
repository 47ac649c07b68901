import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { Prng } from '../../src/base/prng.ts';
import { silentReporter } from '../../src/base/reporter.ts';
import {
  type ControlPlane,
  type ControlPlaneOptions,
  defaultVersion,
  officialReleaseUrl,
} from '../../src/control-plane/control-plane.ts';
import { startControlPlane } from '../../src/control-plane/start.ts';
import { Shard } from '../../src/fleet/shard.ts';
import type { NodeConfig } from '../../src/hollow/context.ts';
import type { WireProfileName } from '../../src/hollow/wire-profile.ts';
import { ApiClient, type RequestVerb } from '../../src/kube/client.ts';
import { HandshakeGate } from '../../src/kube/handshake-gate.ts';
import { certificateIdentity } from '../../src/kube/identity.ts';
import { CallMetrics, callClass } from '../../src/metrics/call-metrics.ts';
import type { WireFormat } from '../../src/wire/codec.ts';
import { jsonCodec } from '../../src/wire/json-codec.ts';

const anyCall = callClass('ANY', 'any', '', 'resource');

/** What a test asks of the API server, as the administrator. */
export class Admin {
  readonly client: ApiClient;

  constructor(controlPlane: ControlPlane) {
    this.client = new ApiClient({
      endpoint: controlPlane.endpoint,
      identity: certificateIdentity(controlPlane.endpoint, controlPlane.admin),
      codec: jsonCodec,
      userAgent: 'hollowmark-test',
      clock: systemClock,
      prng: new Prng('admin'),
      metrics: new CallMetrics(),
      handshakes: new HandshakeGate(4),
    });
  }

  async call<T>(
    method: RequestVerb,
    path: string,
    body?: unknown,
    contentType = 'application/json',
  ): Promise<{ status: number; body: T }> {
    const response = await this.client.request({
      method,
      path,
      kind: anyCall,
      contentType,
      ...(body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) }),
    });
    return {
      status: response.status,
      body: (response.body.length === 0 ? undefined : JSON.parse(response.body.toString('utf8'))) as T,
    };
  }
}

export type AuditLine = {
  verb: string;
  requestURI: string;
  user: { username: string };
  /** In whose name `user` asked, where it was not its own. */
  impersonatedUser?: { username: string };
  objectRef?: { resource: string; subresource?: string; namespace?: string; name?: string };
  responseStatus?: { code: number };
  stage: string;
  requestReceivedTimestamp: string;
  stageTimestamp: string;
};

const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{level: Metadata}]
`;

/** A control plane as tests start it. */
export function testOptions(
  stateDir: string,
  extraFlags: ControlPlaneOptions['extraFlags'] = {},
): ControlPlaneOptions {
  return {
    version: defaultVersion,
    binariesDir: undefined,
    releaseUrl: officialReleaseUrl,
    profile: 'scale',
    extraFlags,
    stateDir,
    reporter: silentReporter,
    signal: new AbortController().signal,
  };
}

/** A real control plane, with the audit log on where a test counts requests. */
export class TestControlPlane {
  readonly controlPlane: ControlPlane;
  readonly admin: Admin;
  private readonly dir: string;

  private constructor(controlPlane: ControlPlane, dir: string) {
    this.controlPlane = controlPlane;
    this.admin = new Admin(controlPlane);
    this.dir = dir;
  }

  static async start(
    options: { audit?: boolean; extraFlags?: ControlPlaneOptions['extraFlags'] } = {},
  ): Promise<TestControlPlane> {
    const dir = mkdtempSync(join(tmpdir(), 'hollowmark-test-'));
    const audit: string[] = [];
    if (options.audit === true) {
      const policy = join(dir, 'policy.yaml');
      writeFileSync(policy, auditPolicy);
      audit.push(`--audit-policy-file=${policy}`, `--audit-log-path=${join(dir, 'audit.log')}`);
    }
    const controlPlane = await startControlPlane(
      testOptions(join(dir, 'state'), {
        ...options.extraFlags,
        'kube-apiserver': [...(options.extraFlags?.['kube-apiserver'] ?? []), ...audit],
      }),
    );
    return new TestControlPlane(controlPlane, dir);
  }

  auditLines(): AuditLine[] {
    return readFileSync(join(this.dir, 'audit.log'), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as AuditLine);
  }

  /** Hollow nodes of this process, as a worker would run them. */
  shard(
    nodes: NodeConfig[],
    proxies = true,
    profile?: WireProfileName,
    wire: WireFormat = 'protobuf',
  ): Shard {
    return new Shard(
      {
        shard: 0,
        seed: 'test',
        nodes,
        proxies,
        wire,
        profile,
        endpoint: this.controlPlane.endpoint,
        identities: { type: 'authority', authority: this.controlPlane.clientAuthority },
        localAddress: undefined,
      },
      systemClock,
    );
  }

  async stop(): Promise<void> {
    this.admin.client.close();
    await this.controlPlane.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export function testNodes(count: number, prefix = 'hollow'): NodeConfig[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `${prefix}-${index + 1}`,
    capacity: { cpu: '8', memory: '32Gi', 'ephemeral-storage': '100Gi', pods: '110' },
    labels: { 'test.hollowmark.dev/set': prefix },
    taints: [],
    address: `100.64.${(index + 1) >> 8}.${(index + 1) & 255}`,
    kubeletVersion: 'v1.36.3',
  }));
}

export function deployment(name: string, replicas: number): unknown {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          containers: [
            {
              name: 'c',
              image: 'registry.k8s.io/pause:3.10',
              resources: { requests: { cpu: '5m', memory: '10Mi' } },
            },
          ],
        },
      },
    },
  };
}

/** Polls until `check` holds. @throws Error that names `what` after `timeoutMs`. */
export async function eventually(
  what: string,
  check: () => boolean | Promise<boolean>,
  timeoutMs = 60_000,
): Promise<void> {
  const deadline = systemClock.nowUs() + timeoutMs * 1000;
  while (!(await check())) {
    if (systemClock.nowUs() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
