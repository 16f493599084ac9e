// The events that a filter lets through. Texts are searched in slices, so that the page stays alive; what was found in
// earlier events is kept while more come.
import { useEffect, useMemo, useRef, useState } from 'react';
import type { RunEvent } from '../model/event';
import type { RunModel } from '../model/run';
import { toJson } from '../common/json';

export interface EventFilter {
  text: string;
  type: string;
  internal: boolean;
  failed: boolean;
}

const slice = 2000;

function passes(event: RunEvent, filter: EventFilter): boolean {
  if (filter.failed && !event.trace?.error && event.type !== 'StepFailedEvent' && event.type !== 'WorkflowFailedEvent') return false;
  if (event.internal && !filter.internal && !filter.failed && filter.type !== event.type) return false;
  return !filter.type || event.type === filter.type;
}

function contains(event: RunEvent, needle: string): boolean {
  return event.type.toLowerCase().includes(needle) || toJson(event.value).toLowerCase().includes(needle) || (event.trace !== null && toJson(event.trace).toLowerCase().includes(needle));
}

export function useFilteredEvents(model: RunModel, version: number, filter: EventFilter): { rows: RunEvent[]; searching: boolean } {
  const { text } = filter;
  const key = JSON.stringify(filter);
  const found = useRef({ model, key, upTo: 0, rows: [] as RunEvent[] });
  const [tick, setTick] = useState(0);
  const result = useMemo(() => {
    if (found.current.key !== key || found.current.model !== model) found.current = { model, key, upTo: 0, rows: [] };
    const work = found.current;
    const needle = text.toLowerCase();
    const end = needle ? Math.min(model.events.length, work.upTo + slice) : model.events.length;
    const fresh: RunEvent[] = [];
    for (let i = work.upTo; i < end; i++) {
      const event = model.events[i];
      if (passes(event, filter) && (!needle || contains(event, needle))) fresh.push(event);
    }
    work.upTo = end;
    if (fresh.length > 0) work.rows = [...work.rows, ...fresh];
    return { rows: work.rows, searching: end < model.events.length };
  }, [model, version, key, tick]); // eslint-disable-line react-hooks/exhaustive-deps -- key stands for the filter
  useEffect(() => {
    if (!result.searching) return;
    const timer = setTimeout(() => setTick(before => before + 1), 0);
    return () => clearTimeout(timer);
  }, [result]);
  return result;
}
