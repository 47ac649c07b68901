import { isNodes, microseconds } from '../audit.ts';

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

/** Reads an audit log of {@link callPolicy}: without refusals, which cost an API server next to nothing. */
export function readCalls(text: string): Call[] {
  return text.split('\n').flatMap((line) => {
    if (line === '') return [];
    const event = JSON.parse(line) as AuditLine;
    const { objectRef: { resource, subresource, apiGroup = '' } = {}, responseStatus, verb = '' } = event;
    const code = responseStatus?.code ?? 0;
    if (event.stage !== 'ResponseComplete' || verb === 'watch' || resource === undefined) return [];
    if (code < 200 || code >= 300) return [];
    const receivedUs = microseconds(event.requestReceivedTimestamp ?? '');
    const group = apiGroup === '' ? '' : `.${apiGroup}`;
    return [
      {
        byNode: isNodes(event.user?.username ?? ''),
        kind: `${verb} ${resource}${group}${subresource === undefined ? '' : `/${subresource}`}`,
        receivedUs,
        latencyMs: (microseconds(event.stageTimestamp ?? '') - receivedUs) / 1000,
      },
    ];
  });
}
