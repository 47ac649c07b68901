/** Where a node's images come from; pure, driven by the pod workers' clock. */
export interface ImageStore {
  /** What a container's image needs: nothing, a pull, or it cannot be had. `pullPolicy` as in the spec after defaulting. */
  ask(image: string, pullPolicy: 'Always' | 'IfNotPresent' | 'Never', nowMs: number): ImageAnswer;
  /** The pull with this key (given in the answer) has had its time; what came of it. */
  finished(
    key: string,
    nowMs: number,
  ): { pulledBytes: number; tookMs: number; waitedMs: number } | { error: string; message: string };
}
export type ImageAnswer =
  | { is: 'present' }
  /** Ready at a time that is known now only when nothing else pulls: ask `nextEndMs`. */
  | { is: 'pulling'; key: string; endsInMs: number }
  | { is: 'absent'; reason: 'ErrImageNeverPull'; message: string };
