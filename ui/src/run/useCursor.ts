// Where in a run's events the views stand: at the newest, or at an event that the URL names.
import { useCallback, useEffect, useMemo, useState } from 'react';
import { setQuery, useRoute } from '../app/router';
import { stepChange } from '../model/event';
import type { RunModel } from '../model/run';

export interface Cursor {
  live: boolean;
  count: number; // events up to and with the one shown
  sequence: number | null; // of that event; null: none
  toSequence: (sequence: number) => void;
  toLive: () => void;
  step: (by: number) => void;
  stepInSameStep: (by: 1 | -1) => void;
  playing: boolean;
  play: (playing: boolean) => void;
  speed: Speed;
  setSpeed: (speed: Speed) => void;
}

export type Speed = 'real' | '1' | '10';
const perSecond = { '1': 4, '10': 40 };
const realPauseMax = 1000;

export function useCursor(model: RunModel, version: number): Cursor {
  const { query } = useRoute();
  const wanted = query.get('seq');
  const live = wanted === null;
  const total = model.events.length;
  const count = useMemo(
    () => (live ? total : model.countUpTo(Number(wanted))),
    [live, wanted, model, version, total], // eslint-disable-line react-hooks/exhaustive-deps -- version stands for the model
  );
  const [playing, setPlaying] = useState(false);
  const [speed, setSpeed] = useState<Speed>('1');

  const toSequence = useCallback((sequence: number) => setQuery({ seq: String(sequence) }), []);
  const toLive = useCallback(() => setQuery({ seq: undefined }), []);
  const toCount = useCallback(
    (next: number) => {
      const bounded = Math.max(0, Math.min(model.events.length, next));
      toSequence(bounded === 0 ? -1 : model.events[bounded - 1].sequence);
    },
    [model, toSequence],
  );
  const step = useCallback((by: number) => toCount(count + by), [toCount, count]);
  const stepInSameStep = useCallback(
    (by: 1 | -1) => {
      const at = model.events[count - 1];
      const name = at && stepChange(at)?.name;
      for (let i = count - 1 + by; i >= 0 && i < model.events.length; i += by) {
        const change = stepChange(model.events[i]);
        if (change && (!name || change.name === name)) return toSequence(model.events[i].sequence);
      }
    },
    [model, count, toSequence],
  );

  useEffect(() => {
    if (!playing) return;
    if (count >= total) return setPlaying(false);
    const pause = count > 0 ? model.events[count].at - model.events[count - 1].at : 0;
    const wait = speed === 'real' ? Math.min(realPauseMax, pause) : 1000 / perSecond[speed];
    const timer = setTimeout(() => toCount(count + 1), wait);
    return () => clearTimeout(timer);
  }, [playing, count, total, speed, model, toCount]);

  const play = useCallback(
    (next: boolean) => {
      if (next && count >= total) toCount(0);
      setPlaying(next);
    },
    [count, total, toCount],
  );
  const sequence = count > 0 ? model.events[count - 1].sequence : null;
  return { live, count, sequence, toSequence, toLive, step, stepInSameStep, playing, play, speed, setSpeed };
}
