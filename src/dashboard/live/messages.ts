import type { LiveEvent, LiveQuestion } from './snapshot.ts';

/** What the worker begins with. */
export type LiveConfig = {
  host: string;
  port: number;
  /** What the page is called: the run's id. */
  title: string;
};

/** Main thread → worker. JSON is made once, there, and goes out as it is. */
export type LiveCommand =
  | { type: 'snapshot'; json: string }
  /** `null`: none just now. */
  | { type: 'answer'; id: number; json: string }
  | { type: 'event'; event: LiveEvent }
  /** It is over: those who look on are told what came of it, and let go. */
  | { type: 'end'; json: string }
  /** Log files by component; the worker reads their ends when somebody looks. */
  | { type: 'logs'; paths: Readonly<Record<string, string>> };

/** Worker → main thread. */
export type LiveMessage =
  | { type: 'serving'; url: string }
  | { type: 'refused'; message: string; hint: string | undefined }
  /** From now on somebody looks, or nobody. */
  | { type: 'audience'; isWatched: boolean }
  /** The last snapshot has been taken: another one may come. */
  | { type: 'taken' }
  /** All who looked on have been told that it is over. */
  | { type: 'ended' }
  | { type: 'ask'; id: number; question: LiveQuestion };
