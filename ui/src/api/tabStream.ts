// The one connection of this tab: events of the runs that are looked at, and changes of the list of handlers. Comes back
// after a break, behind the last event of each run; rests while the tab is hidden.
import { toRunEvent, type RunEvent, type WireEvent } from '../model/event';
import { headers, speaksWeir, url } from './http';
import { followPlainly, type PlainRun } from './plainStream';
import { FrameReader, type Frame } from './serverEvents';
import type { HandlerItem } from './types';
import { parseJson } from '../common/json';

export interface RunFollower {
  handlerId: string;
  lastSequence(): number;
  onEvents(runId: string, events: RunEvent[]): void;
  onEnd(runId: string): void;
  onMissing(): void;
}

export interface ListFollower {
  onChanges(handlers: HandlerItem[], gone: string[]): void;
  onReset(): void; // much has changed, or may have been missed: read the list again
}

export type Connection = { state: 'connecting' | 'live' | 'resting' } | { state: 'lost'; retryAt: number };

const firstDelay = 250;
const lastDelay = 10_000;
const silenceMax = 60_000; // heartbeats come more often
const hiddenMax = 30_000;

/** What is on the wire is taken in slices, so that the page answers to its user while a long run comes in. */
const sliceMax = 12;
let sliceBegan = 0;
async function breathe() {
  if (performance.now() - sliceBegan < sliceMax) return;
  await new Promise(resolve => setTimeout(resolve, 0));
  sliceBegan = performance.now();
}

class TabStream {
  private runs = new Set<RunFollower>();
  private lists = new Set<ListFollower>();
  private listeners = new Set<() => void>();
  private connection_: Connection = { state: 'connecting' };
  private abort: AbortController | null = null;
  private delay = firstDelay;
  private timer = 0;
  private silence = 0;
  private hidden = 0;
  private ended = new Set<RunFollower>();

  constructor() {
    document.addEventListener('visibilitychange', () => this.visibilityChanged());
  }

  get connection(): Connection {
    return this.connection_;
  }
  onConnection = (listener: () => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  followRun(follower: RunFollower): () => void {
    this.runs.add(follower);
    this.restart();
    return () => {
      this.runs.delete(follower);
      this.ended.delete(follower);
    };
  }
  followList(follower: ListFollower): () => void {
    this.lists.add(follower);
    if (this.lists.size === 1) this.restart();
    return () => void this.lists.delete(follower);
  }
  /** Begins anew at once, behind what each follower has: also after a gap, and to retry now. */
  restart = () => {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.open(), 0);
  };

  private show(connection: Connection) {
    this.connection_ = connection;
    for (const listener of this.listeners) listener();
  }

  private visibilityChanged() {
    clearTimeout(this.hidden);
    if (!document.hidden) {
      if (this.connection_.state === 'resting') this.restart();
      return;
    }
    this.hidden = window.setTimeout(() => {
      this.abort?.abort();
      clearTimeout(this.timer);
      this.show({ state: 'resting' });
    }, hiddenMax);
  }

  private unfinished(): PlainRun[] {
    return [...this.runs].filter(run => !this.ended.has(run)).map(run => ({ handlerId: run.handlerId, lastSequence: run.lastSequence() }));
  }

  private target(): string {
    const query = new URLSearchParams();
    for (const { handlerId, lastSequence } of this.unfinished()) query.append('run', `${handlerId}:${lastSequence}`);
    if (this.lists.size > 0) query.set('list', 'true');
    return url(`/ui/stream?${query}`);
  }

  private async open() {
    this.abort?.abort();
    const abort = (this.abort = new AbortController());
    const wasLost = this.connection_.state !== 'connecting';
    if (this.connection_.state !== 'live') this.show({ state: 'connecting' });
    const connected = () => {
      this.show({ state: 'live' });
      this.delay = firstDelay;
      if (wasLost) for (const list of this.lists) list.onReset();
    };
    try {
      const plain = !(await speaksWeir());
      abort.signal.throwIfAborted();
      if (plain) {
        connected();
        await followPlainly(this.unfinished(), this.lists.size > 0, abort.signal, frame => this.take(frame));
      }
      const response = await fetch(this.target(), { headers: headers(), signal: abort.signal });
      if (!response.ok || !response.body) throw new Error(`status ${response.status}`);
      connected();
      await this.read(response.body, abort);
      throw new Error('the stream ended');
    } catch {
      clearTimeout(this.silence);
      if (abort.signal.aborted && this.abort !== abort) return; // another has taken its place
      if (this.connection_.state === 'resting') return;
      this.retryLater();
    }
  }

  private retryLater() {
    this.show({ state: 'lost', retryAt: Date.now() + this.delay });
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.open(), this.delay);
    this.delay = Math.min(lastDelay, this.delay * 2);
  }

  private async read(body: ReadableStream<Uint8Array>, abort: AbortController) {
    const reader = body.pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>).getReader();
    const frames = new FrameReader();
    for (;;) {
      clearTimeout(this.silence);
      this.silence = window.setTimeout(() => {
        this.abort = null; // what follows is a break, not a restart
        abort.abort();
        this.retryLater();
      }, silenceMax);
      const { done, value } = await reader.read();
      if (done) return;
      for (const frame of frames.push(value)) {
        await breathe();
        if (this.abort !== abort) return; // restarted meanwhile, behind what was taken
        this.take(frame);
      }
    }
  }

  private take(frame: Frame) {
    const data = parseJson(frame.data) as {
      handler_id: string;
      run_id: string;
      events: WireEvent[];
      handlers: HandlerItem[];
      gone: string[];
    };
    if (frame.event === 'handlers') for (const list of this.lists) list.onChanges(data.handlers, data.gone);
    if (frame.event === 'reset') for (const list of this.lists) list.onReset();
    const followers = [...this.runs].filter(follower => follower.handlerId === data.handler_id);
    if (frame.event === 'events') {
      const events = data.events.map(event => toRunEvent(event));
      for (const follower of followers) follower.onEvents(data.run_id, events);
    }
    for (const follower of followers) {
      if (frame.event === 'missing') follower.onMissing();
      if (frame.event === 'end') {
        this.ended.add(follower);
        follower.onEnd(data.run_id);
      }
    }
  }
}

export const tabStream = new TabStream();
