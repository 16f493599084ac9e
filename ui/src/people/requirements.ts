// What an answer must carry so that it answers this question and no other.
import type { AwaitedEvent } from '../api/types';
import type { WireEvent } from '../model/event';

type Fields = Record<string, unknown>;

/** Of several waits for the type, that one's which requires what the question says of itself. */
export function requirements(waits: AwaitedEvent[], type: string, question: WireEvent | null | undefined): Fields {
  const all = waits.filter(wait => wait.event_type === type).map(wait => (wait.requirements ?? {}) as Fields);
  if (all.length === 1) return all[0];
  const said = (question?.value ?? {}) as Fields;
  return all.find(required => Object.entries(required).every(([name, value]) => JSON.stringify(said[name]) === JSON.stringify(value))) ?? {};
}
