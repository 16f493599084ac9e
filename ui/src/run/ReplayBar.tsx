// The slider over a run's events: all views show the run as it was there.
import { Icon } from '../common/Icon';
import { count } from '../common/format';
import type { RunModel } from '../model/run';
import type { Cursor, Speed } from './useCursor';

export function ReplayBar({ model, cursor, ended }: { model: RunModel; cursor: Cursor; ended: boolean }) {
  const total = model.events.length;
  const at = cursor.count > 0 ? model.events[cursor.count - 1] : undefined;
  return (
    <div className="replay" role="group" aria-label="Replay">
      <button onClick={() => cursor.step(-1)} disabled={cursor.count === 0} aria-label="Previous event" title="Previous event  [">
        <Icon name="left" />
      </button>
      <button onClick={() => cursor.play(!cursor.playing)} aria-label={cursor.playing ? 'Pause' : 'Play'} title="Play or pause  Space">
        <Icon name={cursor.playing ? 'pause' : 'play'} />
      </button>
      <button onClick={() => cursor.step(1)} disabled={cursor.count >= total} aria-label="Next event" title="Next event  ]">
        <Icon name="right" />
      </button>
      <input
        type="range"
        min={0}
        max={total}
        value={cursor.count}
        aria-label="Replay position"
        aria-valuetext={at ? `event ${at.sequence}, ${at.type}` : 'before the first event'}
        onChange={event => {
          const next = Number(event.target.value);
          if (next >= total) cursor.toLive();
          else cursor.step(next - cursor.count);
        }}
      />
      <output className="mono muted" data-testid="position">
        {count(cursor.count)}/{count(total)}
      </output>
      <select aria-label="Replay speed" value={cursor.speed} onChange={event => cursor.setSpeed(event.target.value as Speed)}>
        <option value="1">1×</option>
        <option value="10">10×</option>
        <option value="real">real time</option>
      </select>
      <button className={cursor.live ? 'primary' : ''} aria-pressed={cursor.live} onClick={cursor.toLive} title="Newest event  l">
        {ended ? 'End' : 'Live'}
      </button>
    </div>
  );
}
