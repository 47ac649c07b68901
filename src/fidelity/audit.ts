import { HollowmarkError } from '../base/errors.ts';
import type { RecordedRequest } from './recorder/recording.ts';

/** Whose requests are compared: kubelets and kube-proxies. */
export const proxyUser = 'system:kube-proxy';
const nodeUserPrefix = 'system:node:';

/** What a line of the audit log says of a request, once. Times are microseconds since the epoch. */
export type AuditEvent = {
  auditId: string;
  verb: string;
  /** Path and query, as they were sent. */
  uri: string;
  user: string;
  /** Empty for what is no object: `/version`. */
  apiGroup: string;
  resource: string;
  subresource: string;
  namespace: string;
  name: string;
  status: number;
  receivedUs: number;
};

export type JoinedRequest = { audit: AuditEvent; wire: RecordedRequest };

/**
 * Only what is compared, and the scheduler's bindings, from which starts are timed: nothing else costs the API server
 * time. `Metadata`: bodies are the recorder's business.
 * @see https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/
 */
export const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - {level: Metadata, userGroups: ["system:nodes"]}
  - {level: Metadata, users: ["${proxyUser}"]}
  - {level: Metadata, verbs: [create], resources: [{group: "", resources: [pods/binding]}]}
  - {level: None}
`;

/** Flags of kube-apiserver. One file for all: where it is cut, lines would be lost. */
export function auditFlags(policyPath: string, logPath: string): string[] {
  return [
    `--audit-policy-file=${policyPath}`,
    `--audit-log-path=${logPath}`,
    '--audit-log-maxsize=4096',
    // Each line is written before its request is answered, so that none is missing at the end.
    '--audit-log-mode=blocking',
  ];
}

type AuditLine = {
  auditID: string;
  stage: string;
  verb: string;
  requestURI: string;
  /** Without a name where it could not be told. */
  user: { username?: string };
  objectRef?: {
    resource?: string;
    subresource?: string;
    apiGroup?: string;
    namespace?: string;
    name?: string;
  };
  responseStatus?: { code?: number };
  requestReceivedTimestamp: string;
};

/**
 * The requests of an audit log, in the order of their arrival. A watch has a line when it starts and one when it ends.
 * @throws HollowmarkError `internal` for a line that is none.
 */
export function readAuditLog(text: string): AuditEvent[] {
  const events = new Map<string, AuditEvent>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const event = eventOf(line);
    if (!events.has(event.auditId)) events.set(event.auditId, event);
  }
  return [...events.values()].toSorted((a, b) => a.receivedUs - b.receivedUs);
}

/**
 * What a line of an audit log says, by its fields' own names.
 * @throws HollowmarkError `internal` for a line that is none.
 */
export function parseAuditLine(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new HollowmarkError('internal', `a line of the audit log is no JSON: ${text.slice(0, 200)}`, {
      cause,
    });
  }
}

function eventOf(text: string): AuditEvent {
  const line = parseAuditLine(text) as AuditLine;
  const { objectRef = {} } = line;
  return {
    auditId: line.auditID,
    verb: line.verb,
    uri: line.requestURI,
    user: line.user.username ?? '',
    apiGroup: objectRef.apiGroup ?? '',
    resource: objectRef.resource ?? '',
    subresource: objectRef.subresource ?? '',
    namespace: objectRef.namespace ?? '',
    name: objectRef.name ?? '',
    status: line.responseStatus?.code ?? 0,
    receivedUs: microseconds(line.requestReceivedTimestamp),
  };
}

/** `2026-11-21T05:03:20.495198Z`: finer than a Date. */
export function microseconds(time: string): number {
  const fraction = /\.(\d+)Z$/.exec(time)?.[1] ?? '';
  return Date.parse(time.replace(/\.\d+Z$/, 'Z')) * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6));
}

/** Whether it is a kubelet's or a kube-proxy's. */
export function isNodes(user: string): boolean {
  return user === proxyUser || user.startsWith(nodeUserPrefix);
}

/**
 * Puts what the API server says of each request of a node beside what went over the wire, by `Audit-Id`. A request whose
 * client has left before the answer has no such header: it is told by what it asked for.
 * @returns what is in both, and in words what is in one only: something went past the recorder or the audit log.
 */
export function joinAudit(
  events: readonly AuditEvent[],
  requests: readonly RecordedRequest[],
): { joined: JoinedRequest[]; faults: string[] } {
  const byId = new Map<string, RecordedRequest>();
  const unanswered: RecordedRequest[] = [];
  for (const request of requests) {
    if (!isNodes(request.user)) continue;
    if (request.auditId === '') unanswered.push(request);
    else byId.set(request.auditId, request);
  }
  const joined: JoinedRequest[] = [];
  const faults: string[] = [];
  for (const audit of events) {
    if (!isNodes(audit.user)) continue;
    let wire = byId.get(audit.auditId);
    if (wire === undefined) {
      const index = unanswered.findIndex(
        (request) => request.user === audit.user && uriOf(request) === audit.uri,
      );
      if (index >= 0) [wire] = unanswered.splice(index, 1);
    }
    if (wire === undefined) faults.push(`not recorded: ${audit.user} ${audit.verb} ${audit.uri}`);
    else joined.push({ audit, wire });
    byId.delete(audit.auditId);
  }
  for (const wire of byId.values())
    faults.push(`not in the audit log: ${wire.user} ${wire.method} ${uriOf(wire)}`);
  return { joined, faults };
}

function uriOf({ path, query }: RecordedRequest): string {
  return query === '' ? path : `${path}?${query}`;
}
