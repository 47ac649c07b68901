import type { Writable } from 'node:stream';

/** Browsers at once; each has a socket and what it has not taken. */
export const listenersMax = 20;

/** What is needed of a response. */
export type Listener = Pick<
  Writable,
  'write' | 'once' | 'writableNeedDrain' | 'writableLength' | 'destroy' | 'end'
>;

/** A listener that has taken nothing for so many messages is gone, or as good as: half a minute of snapshots. */
const missedMax = 30;

/**
 * Those who listen to server-sent events. Each begins with a welcome, which nothing comes before, and is sent another message
 * only when it has taken what it was sent before, so that what is held for one is never more than a message beyond its
 * socket's own buffer; it gets a later one instead. Messages that nobody must miss do not exist: each is whole.
 */
export class Audience {
  /** Messages that listeners have not been sent. */
  droppedCount = 0;
  private readonly missed = new Map<Listener, number>();
  /** Those among them who have had their welcome. */
  private readonly welcomed = new WeakSet<Listener>();
  private readonly onChange: (isWatched: boolean) => void;

  constructor(onChange: (isWatched: boolean) => void) {
    this.onChange = onChange;
  }

  get size(): number {
    return this.missed.size;
  }

  /** Bytes that are held for all of them. */
  get heldBytes(): number {
    return [...this.missed.keys()].reduce((sum, listener) => sum + listener.writableLength, 0);
  }

  get isFull(): boolean {
    return this.missed.size >= listenersMax;
  }

  add(listener: Listener): void {
    this.missed.set(listener, 0);
    listener.once('close', () => this.remove(listener));
    if (this.missed.size === 1) this.onChange(true);
  }

  /** @param data one line of JSON */
  send(event: string, data: string): void {
    const text = messageText(event, data);
    for (const listener of this.missed.keys()) {
      if (this.welcomed.has(listener)) this.write(listener, text);
    }
  }

  /** Sends one its first message, however long: what is left out of it never comes again. */
  welcome(listener: Listener, event: string, data: string): void {
    if (!this.missed.has(listener)) return;
    this.welcomed.add(listener);
    listener.write(messageText(event, data));
  }

  /** The last message, to all who can take it, and the end for all. Resolves when it has left, or they are gone. */
  async end(event: string, data: string): Promise<void> {
    const text = messageText(event, data);
    const listeners = [...this.missed.keys()];
    await Promise.all(
      listeners.map(
        (listener) =>
          new Promise<void>((resolve) => {
            listener.once('close', () => resolve());
            if (listener.writableNeedDrain) listener.destroy();
            else listener.end(text, () => resolve());
          }),
      ),
    );
  }

  private write(listener: Listener, text: string): void {
    if (!listener.writableNeedDrain) {
      listener.write(text);
      this.missed.set(listener, 0);
      return;
    }
    this.droppedCount++;
    const missed = (this.missed.get(listener) ?? 0) + 1;
    this.missed.set(listener, missed);
    if (missed < missedMax) return;
    this.remove(listener);
    listener.destroy();
  }

  private remove(listener: Listener): void {
    if (this.missed.delete(listener) && this.missed.size === 0) this.onChange(false);
  }
}

/** A blank line ends it; JSON has no line breaks of its own. */
function messageText(event: string, data: string): string {
  return `event: ${event}\ndata: ${data}\n\n`;
}
