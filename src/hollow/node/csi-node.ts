import { kinds, type KubeletContext } from '../context.ts';
import type { Tag } from '../effects.ts';
import { newCsiNode } from './node-object.ts';

/** The first request is only to find out whether there is an API server, once a second. */
const probeMs = 1000;

/**
 * Two back-offs, one in the other: four tries, and all of that six times, with five pauses in between; then a kubelet
 * ends, to be started again. Each pause is up to a tenth longer.
 */
const tryMs = [10, 50, 250] as const;
const roundMs = [30, 240, 1920, 15_360, 122_880] as const;
const jitter = 0.1;

type Step = Extract<Tag, { to: 'csi-node' }>['step'];

/**
 * Makes the node's CSINode, for which there has to be a node. Until there is one the node is not Ready.
 * Source: pkg/volume/csi/csi_plugin.go (initializeCSINode), nodeinfomanager.go (InitializeCSINodeWithAnnotation), v1.36.
 */
export class CsiNode {
  private readonly context: KubeletContext;
  private readonly onInitialized: () => void;
  private nodeUid = '';
  private tries = 0;
  private rounds = 0;
  initialized = false;

  constructor(context: KubeletContext, onInitialized: () => void) {
    this.context = context;
    this.onInitialized = onInitialized;
  }

  start(): void {
    this.request('probe');
  }

  onTimer(step: Step): void {
    this.request(step);
  }

  onAnswer(step: Step, status: number, body: unknown): void {
    switch (step) {
      case 'probe':
        if (status === 200 || status === 404) this.then('get-node');
        else this.context.after(probeMs, { of: 'csi-node', step });
        break;
      case 'get-node':
        if (status === 200) {
          this.nodeUid = (body as { metadata: { uid: string } }).metadata.uid;
          this.then('get');
        } else this.again();
        break;
      case 'get':
        if (status === 404) this.then('create');
        else this.onThere(status === 200);
        break;
      case 'create':
        this.onThere(status === 201);
        break;
    }
  }

  private onThere(isThere: boolean): void {
    if (!isThere) this.again();
    else if (!this.initialized) {
      this.initialized = true;
      this.onInitialized();
    }
  }

  private then(step: Step): void {
    const { paceMs } = this.context.wire.start;
    if (paceMs === 0) this.request(step);
    else this.context.after(paceMs, { of: 'csi-node', step });
  }

  private again(): void {
    let delayMs: number | undefined = tryMs[this.tries++];
    if (delayMs === undefined) {
      this.tries = 0;
      delayMs = roundMs[this.rounds++] ?? roundMs[0];
      if (this.rounds > roundMs.length) this.rounds = 1;
    }
    const longer = 1 + this.context.prng.float() * jitter;
    this.context.after(delayMs * longer, { of: 'csi-node', step: 'get-node' });
  }

  private request(step: Step): void {
    const { context } = this;
    const { name } = context.node;
    const csiNodes = '/apis/storage.k8s.io/v1/csinodes';
    const requests = {
      probe: { method: 'GET', path: `${csiNodes}/${name}?resourceVersion=0`, kind: kinds.getCsiNode },
      'get-node': { method: 'GET', path: `/api/v1/nodes/${name}`, kind: kinds.getNode },
      get: { method: 'GET', path: `${csiNodes}/${name}`, kind: kinds.getCsiNode },
      create: { method: 'POST', path: csiNodes, kind: kinds.createCsiNode },
    } as const;
    const body = step === 'create' ? { body: newCsiNode(context.node, this.nodeUid) } : {};
    context.request('api', { ...requests[step], ...body }, { to: 'csi-node', step });
  }
}
