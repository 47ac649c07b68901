import type { NodeImages } from '../runtime/image-store.ts';
import { PodIpPool } from './pod-ip-pool.ts';
import { type PodLife, forgetVolatile, loseContainers } from './pod-life.ts';

/**
 * What a node's container runtime knows, apart from the kubelet: images, sandboxes, containers and the addresses that they
 * have.
 * Who hands the same one to the next incarnation of a kubelet has restarted the kubelet alone: its pods run on.
 */
export class RuntimeState {
  readonly ips = new PodIpPool();
  /** Made by the first kubelet. */
  images: NodeImages | undefined;
  /** How often the node has been down. */
  boots = 0;
  private readonly lives = new Map<string, PodLife>();

  /** What the runtime knows of a pod; undefined when it never had one. */
  get(uid: string): PodLife | undefined {
    return this.lives.get(uid);
  }

  keep(uid: string, life: PodLife): void {
    this.lives.set(uid, life);
  }

  /** Clears away what there is of the pod; its address is free again. */
  forget(uid: string): void {
    this.lives.delete(uid);
    this.ips.release(uid);
  }

  /** The pods that it knows of. */
  get uids(): string[] {
    return [...this.lives.keys()];
  }

  /** A new kubelet comes to it. `containersSurvive` is false when the whole node was down meanwhile. */
  takeOver(containersSurvive: boolean, wallMs: number): void {
    if (!containersSurvive) this.boots++;
    for (const life of this.lives.values()) {
      forgetVolatile(life);
      if (!containersSurvive) loseContainers(life, wallMs);
    }
  }
}
