/**
 * How a stream ended. `complete`: the server has said all it had to say. `refused`: it says that it has not looked at
 * the request (RFC 9113, 8.7). `reset`: it ended this one stream. `closed`: the connection was closed, by either side.
 * `silent`: it was given up, since nothing came over it any more. `cancelled`: by ourselves.
 */
export type StreamEnd = {
  how: 'complete' | 'refused' | 'reset' | 'closed' | 'silent' | 'cancelled';
  /** Why, where it is not complete. */
  reason: string;
};

/** What becomes of a request. Called in this order, `onData` any number of times, `onEnd` once. */
export interface StreamHandler {
  /**
   * @param contentType empty when the server did not say.
   * @param retryAfterSeconds undefined when the server did not ask for a pause.
   * @param date when the server answered, by its clock, as HTTP writes it.
   */
  onResponse(status: number, contentType: string, retryAfterSeconds: number | undefined, date?: string): void;
  /** `chunk` is the handler's to keep. */
  onData(chunk: Buffer): void;
  onEnd(end: StreamEnd): void;
}

interface StreamOwner {
  cancel(stream: Http2Stream): void;
}

/** One request and its answer. */
export class Http2Stream {
  readonly id: number;
  readonly handler: StreamHandler;
  responded = false;
  /** What the server may still be sent. */
  sendWindowBytes: number;
  /** What is left of the request's body. */
  unsent: Buffer | undefined;
  /** Received since the last WINDOW_UPDATE. */
  receivedBytes = 0;
  private readonly session: StreamOwner;

  constructor(session: StreamOwner, id: number, handler: StreamHandler, sendWindowBytes: number) {
    this.session = session;
    this.id = id;
    this.handler = handler;
    this.sendWindowBytes = sendWindowBytes;
  }

  /** Ends it without waiting for the server; `onEnd` is called before this returns, unless it was already. */
  cancel(): void {
    this.session.cancel(this);
  }
}
