import type { NodeRuntime } from './node-runtimes.ts';
import type { RuntimeProfile } from './runtime-profile.ts';

/** The runtime that runs a pod, or the runtime's words on why there is none: no sandbox is made then. */
export type ChosenRuntime = { profile: RuntimeProfile } | { error: string };

/**
 * The RuntimeClasses of the cluster, from the kubelet's own watch, and which of the node's runtimes runs the pods of each.
 * Source: pkg/kubelet/runtimeclass, and containerd's message for a handler that it does not have.
 */
export class RuntimeClasses {
  private readonly runtime: NodeRuntime;
  /** Handlers by the class's name. */
  private handlers = new Map<string, string>();
  private listed: Map<string, string> | undefined;

  constructor(runtime: NodeRuntime) {
    this.runtime = runtime;
  }

  /** Everything is listed anew: what does not come again is gone. */
  onListing(): void {
    this.listed = new Map();
  }

  onListed(): void {
    this.handlers = this.listed ?? this.handlers;
    this.listed = undefined;
  }

  onObject(change: 'ADDED' | 'MODIFIED' | 'DELETED', object: unknown): void {
    const { metadata, handler = '' } = object as { metadata?: { name?: string }; handler?: string };
    const name = metadata?.name ?? '';
    for (const handlers of [this.handlers, this.listed]) {
      if (change === 'DELETED') handlers?.delete(name);
      else handlers?.set(name, handler);
    }
  }

  /** @param name a pod's `runtimeClassName`; empty for none. */
  choose(name: string): ChosenRuntime {
    if (name === '') return { profile: this.runtime.profile };
    const handler = this.handlers.get(name);
    if (handler === undefined) return { error: `runtimeclass.node.k8s.io "${name}" not found` };
    // What a runtime calls its default, it takes for itself.
    if (handler === '' || handler === 'runc') return { profile: this.runtime.profile };
    const profile = this.runtime.handlers[handler];
    if (profile !== undefined) return { profile };
    return {
      error: `rpc error: code = Unknown desc = failed to get sandbox runtime: no runtime for "${handler}" is configured`,
    };
  }
}
