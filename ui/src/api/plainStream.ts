// Runs of a server without Weir's one stream for all: a connection for each, and the list of runs read again and again.
import { headers, url } from './http';
import { FrameReader, type Frame } from './serverEvents';
import { segment } from '../common/segment';
import { parseJson, toJson } from '../common/json';

const listEvery = 3000;

export interface PlainRun {
  handlerId: string;
  lastSequence: number;
}

async function follow({ handlerId, lastSequence }: PlainRun, signal: AbortSignal, take: (frame: Frame) => void) {
  const tell = (event: string, more: object = {}) => take({ event, data: toJson({ handler_id: handlerId, run_id: '', ...more }) });
  const response = await fetch(url(`/events/${segment(handlerId)}?sse=true&include_internal=true&after_sequence=${lastSequence}`), {
    headers: headers(),
    signal,
  });
  if (response.status === 404) return tell('missing');
  if (!response.ok) throw new Error(`status ${response.status}`);
  const reader = response.body?.pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>).getReader();
  const frames = new FrameReader();
  while (reader) {
    const { done, value } = await reader.read();
    if (done) break;
    const events = frames.push(value).map(frame => ({ ...(parseJson(frame.data) as object), sequence: Number(frame.id) }));
    if (events.length > 0) tell('events', { events });
  }
  tell('end');
}

/** Until `signal`; throws when a connection breaks. */
export async function followPlainly(runs: PlainRun[], list: boolean, signal: AbortSignal, take: (frame: Frame) => void) {
  const timer = list ? window.setInterval(() => take({ event: 'reset', data: '{}' }), listEvery) : 0;
  const aborted = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
  try {
    await Promise.race([aborted, Promise.all(runs.map(run => follow(run, signal, take)))]);
    await aborted;
  } finally {
    clearInterval(timer);
  }
}
