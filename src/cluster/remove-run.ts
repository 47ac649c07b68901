import { type TimerHandle, sleep } from '../base/clock.ts';
import { HollowmarkError } from '../base/errors.ts';
import { inParallel } from '../base/in-parallel.ts';
import type { Reporter } from '../base/reporter.ts';
import { Calls, type ClusterClient } from './calls.ts';
import { type RunKind, runKinds } from './kinds.ts';
import { forbidden } from './permissions.ts';
import { type Access, mergeRules } from './rules.ts';
import { type RunObject, countByKind, listRunObjects, objectPath } from './runs.ts';
import { whoAmI } from './who-am-i.ts';
import { countsText, someOf } from './words.ts';

/** Objects that are deleted at a time. */
const parallelMax = 20;

/** Between two looks at what is left; at least as long as the look took, so that looking is no load. */
const pollMsMin = 500;

export type RemoveOptions = {
  client: ClusterClient;
  runId: string;
  /**
   * `load`: namespaces and what is in them, while hollow kubelets still run and end its pods gracefully. `everything`:
   * that (gone already after a call with `load`), then nodes, leases, events, certificate requests and RBAC objects.
   */
  scope: 'load' | 'everything';
  /**
   * No kubelet is there to end the run's pods, as after a crash: they are deleted without grace, and nodes go at the
   * same time, since other pods on them hold up the deletion of namespaces too.
   */
  forcePods: boolean;
  timeoutMs: number;
  reporter: Reporter;
  signal: AbortSignal;
};

/**
 * Removes what carries the label of a run, and only that, and waits until it is gone.
 *
 * Each DELETE names one object that was listed with the label, and carries its uid, so that an object of the same name
 * that comes in between is safe. A deletecollection would be fewer requests, but what it takes is decided only when it
 * runs, it needs a right of its own, and when it times out nobody knows how far it came. Calling this again, or from
 * two places at once, does no harm.
 * @returns how many objects of each kind there were and are no more; those that controllers took with others count.
 * @throws HollowmarkError `cluster-unavailable` when some are still there after `timeoutMs` (it names them) or the server
 * fails; `bad-input` when rules are missing (it lists them; all else is removed before); `interrupted` on abort.
 */
export async function removeRun(options: RemoveOptions): Promise<Record<string, number>> {
  const removal = new Removal(options);
  try {
    return await removal.perform();
  } finally {
    removal.close();
  }
}

/** A namespace takes seconds; thousands of pods that nobody ends take a minute or two. */
const deadRunTimeoutMs = 10 * 60_000;

/** Removes all of a run whose kubelets are gone. @returns and throws as {@link removeRun}. */
export function removeDeadRun(
  options: Pick<RemoveOptions, 'client' | 'runId' | 'reporter' | 'signal'>,
): Promise<Record<string, number>> {
  return removeRun({ ...options, scope: 'everything', forcePods: true, timeoutMs: deadRunTimeoutMs });
}

class Removal {
  private readonly options: RemoveOptions;
  private readonly calls: Calls;
  private readonly deadline = new AbortController();
  private readonly deadlineTimer: TimerHandle;
  /** What was there at the last look. */
  private left: readonly RunObject[] = [];
  /** By uid: all that was ever listed. */
  private readonly seen = new Map<string, RunObject>();
  /** uids whose deletion the server has accepted. */
  private readonly accepted = new Set<string>();
  /** uids whose deletion it has refused for good. */
  private readonly refused = new Set<string>();
  private readonly missing: Access[] = [];
  private lastFailure = '';

  constructor(options: RemoveOptions) {
    this.options = options;
    const { client, signal, timeoutMs } = options;
    this.deadlineTimer = client.clock.timer(timeoutMs, () => this.deadline.abort());
    this.calls = new Calls(client, AbortSignal.any([signal, this.deadline.signal]));
  }

  close(): void {
    this.deadlineTimer.cancel();
  }

  async perform(): Promise<Record<string, number>> {
    const { runId, reporter, client } = this.options;
    reporter.step(`Removing what run ${runId} has made`);
    try {
      for (const kinds of this.stages()) {
        while (!(await this.round(kinds)));
      }
    } catch (error) {
      if (!this.deadline.signal.aborted || this.options.signal.aborted) throw error;
      throw await this.stillThere();
    }
    if (this.missing.length > 0) {
      throw forbidden(mergeRules(this.missing), (await whoAmI(client))?.user);
    }
    return countByKind(this.seen.values());
  }

  private stages(): RunKind[][] {
    const { scope, forcePods } = this.options;
    const load = runKinds.filter(({ stage }) => stage === 'load');
    const rest = runKinds.filter(({ stage }) => stage === 'rest');
    if (scope === 'load') return [load];
    return forcePods ? [[...load, ...rest]] : [load, rest];
  }

  /** Looks, deletes, waits. @returns whether nothing is left that may be deleted. */
  private async round(kinds: readonly RunKind[]): Promise<boolean> {
    const { client, runId, reporter } = this.options;
    const startUs = client.clock.nowUs();
    const listed = await listRunObjects(
      this.calls,
      kinds.filter((kind) => !this.missing.some((access) => access.verb === 'list' && isOf(access, kind))),
      runId,
    );
    for (const [kind, objects] of listed) if (objects === undefined) this.lack('list', kind);
    const left = [...listed.values()].flatMap((objects) => objects ?? []);
    for (const object of left) this.seen.set(object.uid, object);
    this.left = left;
    const possible = left.filter(({ uid }) => !this.refused.has(uid));
    if (possible.length === 0) return true;
    await inParallel(this.due(possible), parallelMax, (object) => this.delete(object));
    const goneCount = this.seen.size - left.length;
    reporter.progress(
      `${goneCount.toLocaleString('en-US')} of ${this.seen.size.toLocaleString('en-US')} objects gone, left: ${countsText(countByKind(left))}`,
      goneCount / this.seen.size,
    );
    await this.pause(Math.max(pollMsMin, (client.clock.nowUs() - startUs) / 1000));
    return false;
  }

  /** What is to be deleted now: not what is on its way out, nor what goes with its namespace. */
  private due(objects: readonly RunObject[]): RunObject[] {
    const namespaces = new Set(
      objects.filter(({ kind }) => kind.resource === 'namespaces').map(({ name }) => name),
    );
    return objects.filter((object) => {
      if (this.accepted.has(object.uid)) return false;
      if (this.forced(object)) return true;
      return !object.deleting && !namespaces.has(object.namespace);
    });
  }

  private forced({ kind }: RunObject): boolean {
    return this.options.forcePods && kind.resource === 'pods';
  }

  private async delete(object: RunObject): Promise<void> {
    const { kind, uid } = object;
    const reply = await this.calls.delete(objectPath(object), kind.resource, {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      preconditions: { uid },
      propagationPolicy: 'Background',
      ...(this.forced(object) ? { gracePeriodSeconds: 0 } : {}),
    });
    if (reply.body !== undefined) this.accepted.add(uid);
    else if (reply.status === 403) {
      this.refused.add(uid);
      // RBAC or an admission webhook: the message says which.
      this.lastFailure = reply.message;
      this.lack('delete', kind);
    } else if (reply.status !== 409) {
      // 409: another object has the name by now, or the server is at it. The next look tells.
      this.lastFailure = reply.message;
    }
  }

  private lack(verb: 'list' | 'delete', { group, resource }: RunKind): void {
    this.missing.push({ verb, group, resource, subresource: '', name: '', url: '' });
  }

  private async pause(delayMs: number): Promise<void> {
    try {
      await sleep(this.options.client.clock, delayMs, this.calls.signal);
    } catch (cause) {
      throw new HollowmarkError('interrupted', 'interrupted', { cause });
    }
  }

  private async stillThere(): Promise<HollowmarkError> {
    const { runId, timeoutMs } = this.options;
    const byKind = new Map<string, string[]>();
    for (const { kind, namespace, name } of this.left) {
      const names = byKind.get(kind.resource) ?? [];
      byKind.set(kind.resource, names);
      names.push(namespace === '' ? name : `${namespace}/${name}`);
    }
    const what = [...byKind].map(([resource, names]) => `${resource} ${someOf(names)}`);
    const stuck = byKind.get('namespaces')?.[0];
    const why = [
      ...(stuck === undefined ? [] : await this.conditionsOf(stuck)),
      ...(this.lastFailure === '' ? [] : [`last failure: ${this.lastFailure}`]),
    ];
    const list = what.length === 0 ? 'it could not be seen what' : what.join('; ');
    return new HollowmarkError(
      'cluster-unavailable',
      `not all of run ${runId} is gone after ${Math.round(timeoutMs / 1000)} s, still there: ${[list, ...why].join('. ')}`,
      { hint: `what is left goes with: hollowmark clean --kubeconfig FILE --run ${runId}` },
    );
  }

  /** What the namespace controller says of a namespace that does not go. */
  private async conditionsOf(namespace: string): Promise<string[]> {
    const { client, signal } = this.options;
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}`;
    const { body } = await new Calls(client, signal).get(path, 'namespaces');
    const { conditions = [] } =
      (body as { status?: { conditions?: { status?: string; message?: string }[] } } | undefined)?.status ??
      {};
    return conditions
      .filter(({ status }) => status === 'True')
      .map(({ message = '' }) => `${namespace}: ${message}`);
  }
}

function isOf({ group, resource }: Access, kind: RunKind): boolean {
  return group === kind.group && resource === kind.resource;
}
