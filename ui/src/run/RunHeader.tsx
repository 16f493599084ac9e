// A run's name, how it stands, and what can be done with it.
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { post, url } from '../api/http';
import type { HandlerDetail } from '../api/types';
import { go, href } from '../app/router';
import { CopyButton } from '../common/CopyButton';
import { Icon } from '../common/Icon';
import { duration } from '../common/format';
import { shownStatus, StatusBadge } from '../common/StatusBadge';
import { useNow } from '../common/useNow';
import { segment } from '../common/segment';

interface Props {
  handler: HandlerDetail;
  mayAct: boolean;
  onRerun: () => void;
  onContinue: () => void;
  canExport: boolean;
  onFork: (() => void) | undefined; // only where the server can
  onAnswer: () => void;
  cancelAsked: boolean;
  askCancel: (asked: boolean) => void;
}

export function RunHeader({ handler, mayAct, onRerun, onContinue, canExport, onFork, onAnswer, cancelAsked, askCancel }: Props) {
  const client = useQueryClient();
  const [said, setSaid] = useState('');
  const id = segment(handler.handler_id);
  const running = handler.status === 'running';
  const now = useNow(running);
  const end = handler.completed_at ? Date.parse(handler.completed_at) : now;
  const status = shownStatus(handler);
  const act = async (path: string, done: () => void) => {
    try {
      await post(path);
      done();
    } catch (error) {
      setSaid((error as Error).message);
    }
  };
  const look = () => void client.invalidateQueries({ queryKey: ['handler', handler.handler_id] });
  const resume = () => void act(`/handlers/${id}/resume`, look);
  const purge = () => {
    if (!window.confirm(`Delete ${handler.handler_id} with everything that is stored of it?`)) return;
    void act(`/handlers/${id}/cancel?purge=true`, () => go(['w', handler.workflow_name]));
  };
  return (
    <div className="title">
      <h1>
        <a href={href(['w', handler.workflow_name])}>{handler.workflow_name}</a> <span className="run-id">{handler.handler_id}</span>
      </h1>
      <StatusBadge status={status} />
      <span className="muted">{duration(end - Date.parse(handler.started_at))}</span>
      {status === 'waiting' && !mayAct && <span className="muted">waits for {handler.waiting_for.map(wanted => wanted.event_type).join(' or ')}</span>}
      {status === 'waiting' && mayAct && (
        <button className="attention" onClick={onAnswer}>
          <Icon name="person" /> Needs input: {handler.waiting_for.map(wanted => wanted.event_type).join(' or ')}
        </button>
      )}
      {status === 'quarantined' && <span className="muted">The server died three times in a row while it was at work</span>}
      {status === 'quarantined' && mayAct && (
        <button className="attention" title="One more chance, when its step or what it works on has been mended" onClick={resume}>
          <Icon name="play" /> Resume
        </button>
      )}
      <span className="grow" />
      <span role="status" className="error-text">
        {said}
      </span>
      {mayAct && running && !cancelAsked && (
        <button onClick={() => askCancel(true)}>
          <Icon name="stop" /> Cancel…
        </button>
      )}
      {running && cancelAsked && (
        <span role="group" aria-label="Cancel the run?">
          <button
            className="danger"
            autoFocus
            onClick={() => {
              askCancel(false);
              void act(`/handlers/${id}/cancel`, look);
            }}
          >
            Cancel the run
          </button>
          <button onClick={() => askCancel(false)}>No</button>
        </span>
      )}
      {mayAct && (
        <button onClick={onRerun}>
          <Icon name="retry" /> Run again…
        </button>
      )}
      {mayAct && !running && <button onClick={onContinue}>Continue…</button>}
      {onFork && <button onClick={onFork}>Fork here…</button>}
      {canExport && (
        <a className="button" href={url(`/handlers/${id}/export`)} download={`${handler.workflow_name}-${handler.handler_id}.weir.json`}>
          <Icon name="download" /> Export
        </a>
      )}
      <CopyButton label="Link" text={() => location.href} />
      {mayAct && !running && <button onClick={purge}>Delete…</button>}
    </div>
  );
}
