// Those who follow a run's events over every end of the server: by stream, reconnecting behind the last event, or by asking for pages.
import http from 'node:http';
import { Abandoned, pause } from './server.mjs';

export const isTerminal = ({ type }) => /^(StopEvent|ChildDone|Workflow(Failed|TimedOut|Cancelled)Event)$/.test(type);
const endsRun = ({ type }) => type !== 'ChildDone' && isTerminal({ type });

class Reader {
  frames = [];      // { sequence, event } in the order seen
  problems = [];
  finished = false; // has seen the run's last event
  last = -1;

  /** `hears` is called for each event; `mayVanish`: the run may be purged. */
  constructor(server, id, random, { hears = () => {}, mayVanish = false } = {}) {
    Object.assign(this, { server, id, random, hears, mayVanish });
    this.done = this.follow().catch(error => { if (!(error instanceof Abandoned)) throw error; });
  }
  take(sequence, text) {
    if (sequence <= this.last) return this.problems.push(`event ${sequence} was shown after ${this.last}`);
    this.last = sequence;
    const event = JSON.parse(text);
    this.frames.push({ sequence, event });
    return this.hears(sequence, event);
  }
  async follow() {
    while (!this.server.abandoned) {
      const answered = await this.look();
      if (answered === 404 && this.mayVanish) return;
      if (answered === 204 || (this.frames.length && endsRun(this.frames.at(-1).event) && answered !== 'cut')) { this.finished = true; return; }
      if (answered !== 'cut') await pause(this.pauseMs());
    }
  }
}

/** An EventSource that sometimes goes away by itself. */
export class StreamReader extends Reader {
  pauseMs() { return this.random.between(3, 15); }
  look() {
    const cutAfter = this.random.chance(0.2) ? this.random.between(1, 5) : 0, byHeader = this.random.chance(0.5) && this.last >= 0;
    const path = byHeader ? `/events/${this.id}` : `/events/${this.id}?after_sequence=${this.last}`;
    return new Promise(resolve => {
      if (!this.server.port) return resolve('error');
      const request = http.get({ host: '127.0.0.1', port: this.server.port, path, headers: byHeader ? { 'last-event-id': String(this.last) } : {} }, answer => {
        if (answer.statusCode !== 200) { answer.resume(); return resolve(answer.statusCode); }
        this.read(answer, cutAfter, () => { request.destroy(); resolve('cut'); });
        return answer.on('end', () => resolve('end')).on('error', () => resolve('error'));
      });
      return request.on('error', () => resolve('error')).setTimeout(60000, () => request.destroy(new Error('silence')));
    });
  }
  read(answer, cutAfter, cut) {
    let text = '', taken = 0;
    answer.setEncoding('utf8').on('data', part => {
      text += part;
      for (let end; (end = text.indexOf('\n\n')) >= 0;) {
        const frame = text.slice(0, end), [, sequence, data] = /^id: (\d+)\ndata: ([^]*)$/.exec(frame) ?? [];
        text = text.slice(end + 2);
        if (data === undefined) { if (!frame.startsWith(':')) this.problems.push(`a strange frame: ${frame.slice(0, 80)}`); continue; }
        this.take(Number(sequence), data);
        if (++taken === cutAfter) { text = ''; cut(); return; }
      }
    });
  }
}

/** Keeps no run awake. */
export class PageReader extends Reader {
  pauseMs() { return this.random.between(30, 130); }
  async look() {
    const answer = await this.server.ask('GET', `/events/${this.id}?stream=false&after_sequence=${this.last}`).catch(() => null);
    if (answer?.status !== 200) return answer?.status ?? 'error';
    for (const { sequence, timestamp, span_id, caused_by, trace, ...event } of answer.body.events) this.take(sequence, JSON.stringify(event));
    return 'page';
  }
}

/** All events at `path` as they are stored now. */
export async function storedLog(server, path) {
  const { text } = await server.get(`${path}?after_sequence=-1`);
  return [...text.matchAll(/id: (\d+)\ndata: ([^\n]*)\n\n/g)].map(([, sequence, data]) => ({ sequence: Number(sequence), event: JSON.parse(data) }));
}
