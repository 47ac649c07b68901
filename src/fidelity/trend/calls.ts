import { open } from 'node:fs/promises';
import { isNodes, microseconds, parseAuditLine } from '../audit.ts';

/** A request that was answered with success, as the API server's audit log has it. */
export type Call = {
  /** Of a kubelet or a kube-proxy. */
  byNode: boolean;
  /** `patch pods/status`, `update leases.coordination.k8s.io`. */
  kind: string;
  /** Since the epoch. */
  receivedUs: number;
  /** From its arrival until all of the answer was handed over. */
  latencyMs: number;
};

/** Every request but watches, once: when it is answered. */
export const callPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
  - {level: None, verbs: [watch]}
  - {level: None, nonResourceURLs: ["*"]}
  - {level: Metadata}
`;

type AuditLine = {
  stage?: string;
  verb?: string;
  user?: { username?: string };
  objectRef?: { resource?: string; subresource?: string; apiGroup?: string };
  responseStatus?: { code?: number };
  requestReceivedTimestamp?: string;
  stageTimestamp?: string;
};

/**
 * Reads an audit log of {@link callPolicy}, line by line, as one of a long comparison has hundreds of megabytes.
 * @throws HollowmarkError `internal` for a line that is none; Error of the file system.
 */
export async function readCalls(path: string): Promise<Call[]> {
  const calls: Call[] = [];
  const file = await open(path);
  for await (const line of file.readLines()) {
    const call = callOf(line);
    if (call !== undefined) calls.push(call);
  }
  return calls;
}

/** @returns undefined for refusals, which cost an API server next to nothing, and for what does not say how long it took. */
function callOf(line: string): Call | undefined {
  if (line === '') return undefined;
  const event = parseAuditLine(line) as AuditLine;
  const { objectRef: { resource, subresource, apiGroup = '' } = {}, responseStatus, verb = '' } = event;
  const code = responseStatus?.code ?? 0;
  if (event.stage !== 'ResponseComplete' || verb === 'watch' || resource === undefined) return undefined;
  if (code < 200 || code >= 300) return undefined;
  const receivedUs = microseconds(event.requestReceivedTimestamp ?? '');
  const latencyMs = (microseconds(event.stageTimestamp ?? '') - receivedUs) / 1000;
  if (!Number.isFinite(latencyMs)) return undefined;
  const group = apiGroup === '' ? '' : `.${apiGroup}`;
  const kind = `${verb} ${resource}${group}${subresource === undefined ? '' : `/${subresource}`}`;
  return { byNode: isNodes(event.user?.username ?? ''), kind, receivedUs, latencyMs };
}
