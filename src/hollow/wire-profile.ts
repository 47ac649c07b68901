/** The first is what nodes send unless told otherwise. */
export const wireProfileNames = ['kubelet', 'kubemark', 'lite'] as const;

export type WireProfileName = (typeof wireProfileNames)[number];

/** What hollow nodes send, where that is not the same for all: data that their parts ask. */
export type WireProfile = {
  name: WireProfileName;
  /** Whether a run's figures can be held against a real cluster's. */
  comparable: boolean;
  /** The kubelet's limits on its own requests, and on its events: requests a second, and at once. */
  qps: number;
  burst: number;
  /** Node and pod events, and the proxy's `Starting`. */
  sendsNodeEvents: boolean;
  sendsProxyEvent: boolean;
  /** DELETECOLLECTION of the node's ResourceSlices when the kubelet starts. */
  clearsResourceSlices: boolean;
  /**
   * Milliseconds after the API server's first answer: when the loops for the node's status begin, and how long the first
   * POST of the node then waits. `paceMs`: what a slow start takes from an answer to the request that follows from it.
   */
  start: { loopsMs: number; registerMs: number; paceMs: number };
  /** GET of the node between its POST and its first status PATCH. */
  readsCreatedNode: boolean;
  /** GET of a pod before each PATCH of its status. */
  readsPodBeforePatch: boolean;
  /** What the node says of itself beside what the scenario gives it. */
  node: 'real' | 'kubemark';
  /** Who runs containers: a runtime and a prober that tell of them, or kubemark's, which do not. */
  containers: 'real' | 'fake';
  /** The name in the User-Agent of kubelet and proxy. */
  kubeletAgent: string;
  proxyAgent: string;
  /** The proxy's watch of its own node. */
  proxyWatchesNode: boolean;
  /** The container runtime of nodes that name none: a file in `runtime/profiles`. */
  runtime: 'containerd' | 'kubemark';
  /** All nodes of a shard are one identity, with a few connections and one watch of each kind between them. */
  pooled: boolean;
};

/** What a real node was seen to send: kubelet-wire.md, wire-samples-kubelet.jsonl. */
const kubelet: WireProfile = {
  name: 'kubelet',
  comparable: true,
  qps: 50,
  burst: 100,
  sendsNodeEvents: true,
  sendsProxyEvent: true,
  clearsResourceSlices: true,
  start: { loopsMs: 32, registerMs: 100, paceMs: 0 },
  readsCreatedNode: true,
  readsPodBeforePatch: true,
  node: 'real',
  containers: 'real',
  kubeletAgent: 'kubelet',
  proxyAgent: 'kube-proxy',
  proxyWatchesNode: true,
  runtime: 'containerd',
  pooled: false,
};

/**
 * What kubemark's hollow nodes were seen to send: wire-samples-kubemark.jsonl; the limits are its flags' defaults
 * (cmd/kubemark/app/hollow_node.go). Identities stay one a node, where kubemark's share a kubeconfig.
 */
const kubemark: WireProfile = {
  ...kubelet,
  name: 'kubemark',
  qps: 10,
  burst: 20,
  sendsNodeEvents: false,
  clearsResourceSlices: false,
  // Its kubelet is at work before it has a connection: the POST of the node comes with the first requests.
  start: { loopsMs: 0, registerMs: 10, paceMs: 30 },
  readsCreatedNode: false,
  node: 'kubemark',
  containers: 'fake',
  kubeletAgent: 'hollow-kubelet',
  proxyAgent: 'hollow-proxy',
  proxyWatchesNode: false,
  runtime: 'kubemark',
};

/** As little as keeps nodes Ready and pods Running. */
const lite: WireProfile = {
  ...kubemark,
  name: 'lite',
  comparable: false,
  qps: kubelet.qps,
  burst: kubelet.burst,
  sendsProxyEvent: false,
  readsPodBeforePatch: false,
  containers: 'real',
  pooled: true,
};

const profiles: Readonly<Record<WireProfileName, WireProfile>> = { kubelet, kubemark, lite };

/** @param name absent: the default. */
export function wireProfile(name: WireProfileName = 'kubelet'): WireProfile {
  return profiles[name];
}

/** What a reader of a run's figures must know of its profile. */
export function wireNotes({ name, comparable }: WireProfile): string[] {
  return comparable
    ? []
    : [
        `Wire profile ${name}: the nodes sent less than real ones do. The figures are not comparable with those of real nodes, nor of other profiles.`,
      ];
}
