import { type JoinedRequest, proxyUser } from './audit.ts';

/** A part of the work with a name, from one moment to another (microseconds since the epoch). */
export type PhaseSpan = { name: string; startUs: number; endUs: number };

/** What tells one kind of request from another. Requests that differ in names only are of one kind. */
export type RowKey = {
  /** `system:node:<node>` or `system:kube-proxy`. */
  user: string;
  verb: string;
  /** `pods/status`, `serviceaccounts/token`, `leases`; the path for what is no object. */
  resource: string;
  /** Empty for the core group. */
  apiGroup: string;
  /** `metadata.name=<node>`, labels after fields; empty for none. */
  selector: string;
  /** All else of the query, sorted, with `<n>` and `<rv>` for numbers that differ each time. */
  query: string;
  status: number;
};

/** A kind of request in one phase, and what there was of it. */
export type Row = RowKey & {
  phase: string;
  requests: number;
  upBytes: number;
  downBytes: number;
  /** `application/json > application/vnd.kubernetes.protobuf`: content types of requests and answers that occurred. */
  types: string[];
};

export type RowOptions = { phases: readonly PhaseSpan[]; nodeNames: readonly string[] };

/** The rows of one run, in the order of their keys. Pure. What came before the first phase or after the last is left out. */
export function countRows(joined: readonly JoinedRequest[], options: RowOptions): Row[] {
  const nodeNames = new Set(options.nodeNames);
  const rows = new Map<string, Row>();
  for (const request of joined) {
    const { receivedUs } = request.audit;
    const phase = options.phases.find(({ startUs, endUs }) => receivedUs >= startUs && receivedUs < endUs);
    if (phase === undefined) continue;
    const key = rowKey(request, nodeNames);
    const id = `${phase.name} ${rowName(key)}`;
    let row = rows.get(id);
    if (row === undefined) {
      row = { phase: phase.name, ...key, requests: 0, upBytes: 0, downBytes: 0, types: [] };
      rows.set(id, row);
    }
    row.requests++;
    row.upBytes += comparableBytes(request, phase.name);
    row.downBytes += request.wire.downBytes;
    const types = contentTypes(request);
    // Without an answer nothing can be said of its type.
    if (types !== undefined && !row.types.includes(types)) row.types.push(types);
  }
  return [...rows.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}

/** What kind of request it is. Pure. */
export function rowKey({ audit }: JoinedRequest, nodeNames: ReadonlySet<string>): RowKey {
  const [path = '', query = ''] = audit.uri.split('?');
  const parameters = new URLSearchParams(query);
  const take = (name: string): string => {
    const value = parameters.get(name) ?? '';
    parameters.delete(name);
    return withoutNodeNames(value, nodeNames);
  };
  const selector = [take('fieldSelector'), take('labelSelector')].filter((part) => part !== '').join(' ');
  const isWatch = audit.verb === 'watch';
  return {
    user: audit.user === proxyUser ? proxyUser : 'system:node:<node>',
    verb: audit.verb,
    resource:
      audit.resource === ''
        ? path
        : audit.resource + (audit.subresource === '' ? '' : `/${audit.subresource}`),
    apiGroup: audit.apiGroup,
    selector,
    query: [...parameters]
      .map(([name, value]) => `${name}=${normalValue(name, value, isWatch)}`)
      .toSorted()
      .join('&'),
    status: audit.status,
  };
}

/** A row's key in one line, for tables and for the patterns of known gaps. */
export function rowName(key: RowKey): string {
  const { user, verb, resource, apiGroup, selector, query, status } = key;
  const what = apiGroup === '' ? resource : `${resource}.${apiGroup}`;
  return [user, verb, what, selector, query === '' ? '' : `?${query}`, String(status)]
    .filter((part) => part !== '')
    .join(' ');
}

/**
 * The length of what was sent; of a node's first statuses without the times, which are there or not by whether a second has
 * begun since the status before (in two recordings of a real node its first Ready has 250 bytes and 539).
 */
function comparableBytes({ audit, wire }: JoinedRequest, phase: string): number {
  const isFirst = (phase === 'join' || phase === 'return') && audit.verb === 'patch';
  if (!isFirst || audit.resource !== 'nodes' || wire.body === undefined) return wire.upBytes;
  const body = JSON.parse(wire.body) as { status?: Record<string, unknown> };
  const { conditions, '$setElementOrder/conditions': order, ...status } = body.status ?? {};
  const changed = ((conditions ?? []) as Record<string, unknown>[])
    .map((condition) => {
      const { lastHeartbeatTime: _, lastTransitionTime: __, ...timeless } = condition;
      return timeless;
    })
    .filter((condition) => Object.keys(condition).length > 1);
  if (changed.length > 0) Object.assign(status, { conditions: changed, order });
  return Buffer.byteLength(JSON.stringify(status));
}

function contentTypes({ wire }: JoinedRequest): string | undefined {
  if (wire.auditId === '') return undefined;
  return [wire.requestType, wire.responseType].map((type) => (type === '' ? 'none' : type)).join(' > ');
}

function withoutNodeNames(selector: string, nodeNames: ReadonlySet<string>): string {
  return selector.replace(/[^=,!\s]+/g, (word) => (nodeNames.has(word) ? '<node>' : word));
}

/** Watches end at times that are drawn; versions count with each write. Zero and nothing have a meaning of their own. */
function normalValue(name: string, value: string, isWatch: boolean): string {
  if (name === 'timeoutSeconds' || (name === 'timeout' && isWatch)) return '<n>';
  if (name === 'resourceVersion' && value !== '' && value !== '0') return '<rv>';
  return value;
}
