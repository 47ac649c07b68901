import type { ServerResponse } from 'node:http';
import type { Clock } from '../../base/clock.ts';
import { readTail } from '../../base/log-tail.ts';
import { type PageRequest, type Reply, htmlType, jsonType, notFound, plainReply } from '../http/reply.ts';
import { Assets } from '../page/assets.ts';
import { frame } from '../page/frame.ts';
import { Audience } from './audience.ts';
import { liveCharts, livePage } from './live-page.ts';
import type { LiveCommand, LiveMessage } from './messages.ts';
import { type LiveEvent, type LiveQuestion, answerRowsMax } from './snapshot.ts';

/** Events that are kept, for those who come later too. */
const eventsMax = 200;

const logLines = 200;

/** Questions that wait for the main thread; it answers within a tick unless the machine is at its end. */
const questionsMax = 16;
const answerTimeoutMs = 5_000;

/** How long an answer is given to others who ask the same. */
const answerAgeMsMax = 1_000;

/** As JSON: too much has been asked, no answer has come, or there is nothing to tell yet. */
const noAnswer = 'null';

const namesLengthMax = 300;

export type LivePagesOptions = { title: string; clock: Clock; post: (message: LiveMessage) => void };

/** The page of one run and what it asks for. Lives in the worker. */
export class LivePages {
  readonly audience: Audience;
  private readonly options: LivePagesOptions;
  private readonly assets = new Assets('live.js');
  private readonly events: LiveEvent[] = [];
  private logs: Readonly<Record<string, string>> = {};
  private snapshot: string | undefined;
  private readonly waiting = new Map<number, (json: string) => void>();
  /** By question; no more than can be answered in that time. */
  private readonly answers = new Map<string, { untilUs: number; json: Promise<string> }>();
  private asked = 0;

  constructor(options: LivePagesOptions) {
    this.options = options;
    this.audience = new Audience((isWatched) => options.post({ type: 'audience', isWatched }));
  }

  obey(command: LiveCommand): void {
    switch (command.type) {
      case 'snapshot':
        this.snapshot = command.json;
        this.audience.send('snapshot', command.json);
        this.options.post({ type: 'taken' });
        break;
      case 'event':
        this.events.push(command.event);
        if (this.events.length > eventsMax) this.events.shift();
        this.audience.send('events', this.eventsJson());
        break;
      case 'logs':
        this.logs = command.paths;
        this.audience.send('logs', this.logsJson());
        break;
      case 'end':
        void this.audience.end('end', command.json).then(() => this.options.post({ type: 'ended' }));
        break;
      case 'answer':
        this.waiting.get(command.id)?.(command.json);
        break;
    }
  }

  async handle({ path, query }: PageRequest): Promise<Reply> {
    const [first = '', second, ...more] = path;
    if (first === 'assets') return this.assets.reply(path.slice(1));
    if (more.length > 0) return notFound;
    if (first === '' && second === undefined) return this.page();
    if (first === 'events' && second === undefined) return this.listen();
    if (first !== 'api') return notFound;
    switch (second) {
      case 'nodes':
        return this.ask({
          what: 'nodes',
          state: stateOf(query.get('state')),
          text: textOf(query, 'q'),
          offset: offsetOf(query),
        });
      case 'node':
        return this.ask({ what: 'node', name: textOf(query, 'name'), offset: offsetOf(query) });
      case 'log':
        return this.log(textOf(query, 'component'));
      case undefined:
      default:
        return notFound;
    }
  }

  private page(): Reply {
    const { title } = this.options;
    const { logo } = this.assets;
    const places = [{ name: 'Live', href: '/', isCurrent: true }];
    const content = livePage(title);
    return {
      status: 200,
      type: htmlType,
      body: frame({ title: `Live: ${title}`, places, logo, charts: liveCharts, script: 'live.js', content }),
    };
  }

  private listen(): Reply {
    if (this.audience.isFull) return plainReply(503, 'Too many are looking on.');
    return { type: 'text/event-stream', stream: (response) => void this.welcome(response) };
  }

  /** What there was until now, in one message; then what comes. */
  private async welcome(response: ServerResponse): Promise<void> {
    this.audience.add(response);
    const history = await this.answerTo({ what: 'history' });
    const parts = [
      `"snapshot":${this.snapshot ?? noAnswer}`,
      `"events":${this.eventsJson()}`,
      `"logs":${this.logsJson()}`,
      `"history":${history}`,
    ];
    this.audience.welcome(response, 'welcome', `{${parts.join()}}`);
  }

  /** Not to be told anything just now is no fault: a browser would write a status that says so into its console. */
  private async ask(question: LiveQuestion): Promise<Reply> {
    return { status: 200, type: jsonType, body: await this.answerTo(question) };
  }

  /** Pages ask for the same, again and again: those that do at about the same time share an answer. */
  private async answerTo(question: LiveQuestion): Promise<string> {
    const nowUs = this.options.clock.nowUs();
    for (const [text, { untilUs }] of this.answers) if (untilUs <= nowUs) this.answers.delete(text);
    const text = JSON.stringify(question);
    const shared = this.answers.get(text);
    if (shared !== undefined) return shared.json;
    if (this.waiting.size >= questionsMax) return noAnswer;
    const json = this.answerOf(question);
    this.answers.set(text, { untilUs: nowUs + answerAgeMsMax * 1000, json });
    if ((await json) === noAnswer) this.answers.delete(text);
    return json;
  }

  private answerOf(question: LiveQuestion): Promise<string> {
    const id = this.asked++;
    return new Promise((resolve) => {
      const settle = (json: string): void => {
        deadline.cancel();
        this.waiting.delete(id);
        resolve(json);
      };
      const deadline = this.options.clock.timer(answerTimeoutMs, () => settle(noAnswer));
      this.waiting.set(id, settle);
      this.options.post({ type: 'ask', id, question });
    });
  }

  private async log(component: string): Promise<Reply> {
    const path = Object.hasOwn(this.logs, component) ? this.logs[component] : undefined;
    if (path === undefined) return notFound;
    return { status: 200, type: jsonType, body: JSON.stringify({ lines: await readTail(path, logLines) }) };
  }

  private eventsJson(): string {
    return JSON.stringify(this.events);
  }

  private logsJson(): string {
    return JSON.stringify(Object.keys(this.logs));
  }
}

function stateOf(given: string | null): '' | 'ready' | 'not-ready' {
  return given === 'ready' || given === 'not-ready' ? given : '';
}

function textOf(query: URLSearchParams, name: string): string {
  return (query.get(name) ?? '').slice(0, namesLengthMax);
}

/** A whole number of pages, from 0. */
function offsetOf(query: URLSearchParams): number {
  const offset = Number(query.get('offset') ?? 0);
  return Number.isSafeInteger(offset) && offset > 0 ? Math.floor(offset / answerRowsMax) * answerRowsMax : 0;
}
