/** Where a node's images come from; pure, driven by the pod workers' clock. */
export interface ImageStore {
  /** What a container's image needs: nothing, a pull, or it cannot be had. `pullPolicy` as in the spec after defaulting. */
  ask(image: string, pullPolicy: PullPolicy, nowMs: number): ImageAnswer;
  /** The pull with this key (given in the answer) has had its time; what came of it, unless others have put it off. */
  finished(key: string, nowMs: number): PullOutcome | PullGoesOn;
}

export type PullPolicy = 'Always' | 'IfNotPresent' | 'Never';

export type ImageAnswer =
  | { is: 'present' }
  /** The pull ends `endsInMs` from now at the earliest: call `finished` then. */
  | { is: 'pulling'; key: string; endsInMs: number }
  | { is: 'absent'; reason: 'ErrImageNeverPull'; message: string };

/**
 * `pulledBytes` is the image's size, as the kubelet's event tells it, whatever part of it was there; `tookMs` without,
 * `waitedMs` is the wait for other pulls. `error` is a waiting reason (`ErrImagePull`), `message` the runtime's.
 */
export type PullOutcome =
  | { pulledBytes: number; tookMs: number; waitedMs: number }
  | { error: string; message: string };

/** Pulls that came later have taken some of the bandwidth: `finished` is to be called in `endsInMs`. */
export type PullGoesOn = { endsInMs: number };

/** What a scenario says of an image; what it leaves out follows from the image's name. */
export type ImageSettings = {
  sizeBytes?: number;
  /** How many layers. */
  layers?: number;
  /** On every node from the start. */
  present?: boolean;
  /** Why every pull of it fails: the registry does not have it, or cannot be reached. */
  fails?: 'NotFound' | 'Unreachable';
};
