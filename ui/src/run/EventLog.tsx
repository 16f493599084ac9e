// A run's events as a list: filtered, searched, followed. Only the rows in sight are there.
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { setQuery, useRoute } from '../app/router';
import { Icon } from '../common/Icon';
import { Empty } from '../common/Notice';
import { count, duration, preview } from '../common/format';
import { stepChange, type RunEvent } from '../model/event';
import type { RunModel } from '../model/run';
import type { Cursor } from './useCursor';
import { useFilteredEvents, type EventFilter } from './useFilteredEvents';

const rowHeight = 44;

function Row({ event, start, selected }: { event: RunEvent; start: number; selected: boolean }) {
  const step = stepChange(event);
  const failed = event.trace?.error;
  const title = step ? `${step.name} ${step.state === 'not_running' ? 'ended' : step.state}` : event.type;
  const text = failed ? failed.exception_message : step ? `${step.input}${step.output ? ` → ${step.output}` : ''}` : preview(event.value);
  return (
    <div className={`event ${event.internal ? 'internal' : ''} ${failed ? 'failed' : ''} ${selected ? 'selected' : ''}`}>
      <div className="event-head">
        <span className="event-number">{event.sequence}</span>
        <b>{title}</b>
        {event.types.includes('InputRequiredEvent') && <Icon name="person" />}
        {failed && (
          <span className="event-attempt">
            <Icon name="cross" /> attempt {event.trace!.attempt}
          </span>
        )}
        <time title={new Date(event.at).toISOString()}>+{duration(event.at - start)}</time>
      </div>
      <div className="event-text">{text}</div>
    </div>
  );
}

export function EventLog({ model, version, cursor, live }: { model: RunModel; version: number; cursor: Cursor; live: boolean }) {
  const { query } = useRoute();
  const [follow, setFollow] = useState(true);
  const filter: EventFilter = {
    text: query.get('q') ?? '',
    type: query.get('type') ?? '',
    internal: query.get('internal') === '1',
    failed: query.get('failed') === '1',
  };
  const { rows, searching } = useFilteredEvents(model, version, filter);
  const box = useRef<HTMLDivElement>(null);
  const list = useVirtualizer({ count: rows.length, getScrollElement: () => box.current, estimateSize: () => rowHeight, overscan: 10 });
  const types = useMemo(() => [...model.typeCounts].sort((a, b) => b[1] - a[1]), [model, version]);

  useEffect(() => {
    if (live && follow && cursor.live && rows.length > 0) list.scrollToIndex(rows.length - 1);
  }, [rows.length, live, follow, cursor.live, list]);
  useEffect(() => {
    if (cursor.live || cursor.sequence === null) return;
    const index = rows.findIndex(row => row.sequence >= cursor.sequence!);
    if (index >= 0) list.scrollToIndex(index, { align: 'auto' });
  }, [cursor.live, cursor.sequence, rows, list]);

  const pick = (index: number) => {
    const row = rows[Math.max(0, Math.min(rows.length - 1, index))];
    if (row) cursor.toSequence(row.sequence);
  };
  const keys = (event: KeyboardEvent) => {
    const by = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: 10, PageUp: -10 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    const at = rows.findIndex(row => row.sequence >= (cursor.sequence ?? -1));
    pick((at < 0 ? rows.length : at) + by);
  };
  return (
    <section className="event-log" aria-label="Event log">
      <div className="bar">
        <input id="event-search" type="search" placeholder="Search events  /" aria-label="Search events" value={filter.text} onChange={event => setQuery({ q: event.target.value })} />
        <select aria-label="Event type" value={filter.type} onChange={event => setQuery({ type: event.target.value })}>
          <option value="">all types</option>
          {types.map(([type, amount]) => (
            <option key={type} value={type}>
              {type} ({count(amount)})
            </option>
          ))}
        </select>
        <label>
          <input type="checkbox" checked={filter.internal} onChange={event => setQuery({ internal: event.target.checked ? '1' : undefined })} /> internal
        </label>
        <label>
          <input type="checkbox" checked={filter.failed} onChange={event => setQuery({ failed: event.target.checked ? '1' : undefined })} /> failed
        </label>
        {live && (
          <label>
            <input type="checkbox" checked={follow} onChange={event => setFollow(event.target.checked)} /> follow
          </label>
        )}
        <span className="muted" data-testid="log-count">
          {searching ? 'searching… ' : ''}
          {count(rows.length)} of {count(model.events.length)}
        </span>
      </div>
      <div className="rows" ref={box} role="listbox" tabIndex={0} aria-label="Events" aria-activedescendant={cursor.sequence === null ? undefined : `event-${cursor.sequence}`} onKeyDown={keys}>
        {rows.length === 0 && (
          <Empty>
            {model.events.length === 0 ? 'No events yet.' : 'No event matches. '}
            {model.events.length > 0 && (
              <button className="quiet" onClick={() => setQuery({ q: undefined, type: undefined, failed: undefined, internal: '1' })}>
                Show all {count(model.events.length)}
              </button>
            )}
          </Empty>
        )}
        <div style={{ height: list.getTotalSize(), position: 'relative' }} role="presentation">
          {list.getVirtualItems().map(item => {
            const event = rows[item.index];
            const selected = !cursor.live && event.sequence === cursor.sequence;
            return (
              <div key={event.sequence} id={`event-${event.sequence}`} role="option" aria-selected={selected} className="row" style={{ height: rowHeight, transform: `translateY(${item.start}px)` }} onClick={() => cursor.toSequence(event.sequence)}>
                <Row event={event} start={model.events[0].at} selected={selected} />
              </div>
            );
          })}
        </div>
      </div>
    </section>
  );
}
