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
    row.upBytes += request.wire.upBytes;
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
