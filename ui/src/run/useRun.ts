// The events of a run, followed as they come. One render a frame, however many there are.
import { useEffect, useRef, useState } from 'react';
import { tabStream } from '../api/tabStream';
import { RunModel } from '../model/run';

export type RunState = 'loading' | 'following' | 'ended' | 'missing';

export interface FollowedRun {
  model: RunModel;
  version: number; // changes with the model
  state: RunState;
}

export function useRun(handlerId: string | undefined): FollowedRun {
  const model = useRef(new RunModel());
  const [version, setVersion] = useState(0);
  const [state, setState] = useState<RunState>('loading');
  useEffect(() => {
    model.current = new RunModel();
    setVersion(0);
    setState('loading');
    if (!handlerId) return;
    let runId = '';
    let frame = 0;
    let total = 0;
    const showSoon = () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        setVersion(total);
      });
    };
    const stop = tabStream.followRun({
      handlerId,
      lastSequence: () => model.current.lastSequence,
      onEvents: (id, events) => {
        if (runId && id !== runId) model.current = new RunModel(); // the handler runs again
        runId = id;
        if (!model.current.push(events)) return tabStream.restart();
        total += events.length;
        setState('following');
        showSoon();
      },
      onEnd: () => {
        setState('ended');
        total++;
        showSoon();
      },
      onMissing: () => setState('missing'),
    });
    return () => {
      cancelAnimationFrame(frame);
      stop();
    };
  }, [handlerId]);
  return { model: model.current, version, state };
}
