import type { KubeletContext } from '../context.ts';

/** Watches on single ConfigMaps and Secrets end after 30 to 60 minutes (watch_based_manager.go). */
const watchTimeoutSecondsMin = 1800;

/** `users`: how many pods. */
type Reference = { users: number; synced: boolean };

/**
 * One name-scoped watch per ConfigMap or Secret that the node's pods refer to, shared by them and closed with the last.
 * Keys are `configmaps/<namespace>/<name>`.
 */
export class ReferenceWatches {
  private readonly context: KubeletContext;
  private readonly references = new Map<string, Reference>();

  constructor(context: KubeletContext) {
    this.context = context;
  }

  /** A pod needs these (`configmaps/<name>`); watches that are not there yet are opened. */
  use(namespace: string, references: readonly string[]): void {
    for (const reference of references) {
      const key = keyOf(namespace, reference);
      const known = this.references.get(key);
      if (known !== undefined) {
        known.users++;
        continue;
      }
      this.references.set(key, { users: 1, synced: false });
      const [resource, name] = reference.split('/') as [string, string];
      this.context.emit({
        type: 'watch',
        key,
        spec: {
          path: `/api/v1/namespaces/${namespace}/${resource}`,
          selector: `fieldSelector=metadata.name%3D${name}`,
          timeoutSecondsMin: watchTimeoutSecondsMin,
          sendsTimeout: true,
        },
      });
    }
  }

  release(namespace: string, references: readonly string[]): void {
    for (const reference of references) {
      const key = keyOf(namespace, reference);
      const known = this.references.get(key);
      if (known === undefined) continue;
      known.users--;
      if (known.users > 0) continue;
      this.references.delete(key);
      this.context.emit({ type: 'unwatch', key });
    }
  }

  onSynced(key: string): void {
    const known = this.references.get(key);
    if (known !== undefined) known.synced = true;
  }

  /** Whether all that a pod needs has been listed once, so that its volumes can be set up. */
  ready(namespace: string, references: readonly string[]): boolean {
    return references.every((reference) => this.references.get(keyOf(namespace, reference))?.synced === true);
  }
}

function keyOf(namespace: string, reference: string): string {
  const [resource, name] = reference.split('/') as [string, string];
  return `${resource}/${namespace}/${name}`;
}
