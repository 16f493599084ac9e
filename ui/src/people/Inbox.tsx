// Everything that waits for a person, over all runs: the question and the form of its answer.
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { get } from '../api/http';
import { runsQuery, useHandler, useMayAct } from '../api/queries';
import type { HandlerItem, HandlersPage } from '../api/types';
import { href, runPath } from '../app/router';
import { Empty, Failed, Loading } from '../common/Notice';
import { ago, count } from '../common/format';
import { noFilter } from '../runs/filter';
import { useNotificationChoice, wantsNotifications } from './notify';
import { Question } from './Question';
import { SendEvent } from './SendEvent';

const shown = 50;

export function useInbox() {
  return useQuery({
    queryKey: ['inbox'],
    queryFn: ({ signal }) => get<HandlersPage>(`/handlers?${runsQuery({ ...noFilter, status: 'waiting' }, '', shown)}`, signal),
    refetchInterval: 15_000,
    refetchIntervalInBackground: wantsNotifications(),
  });
}

function Waiting({ item, open, toggle }: { item: HandlerItem; open: boolean; toggle: () => void }) {
  const handler = useHandler(item.handler_id);
  const question = handler.data?.question;
  const mayAct = useMayAct();
  return (
    <li className="inbox-item">
      <div className="inbox-head">
        <a href={href(runPath(item.workflow_name, item.handler_id))}>
          {item.workflow_name} · {item.handler_id}
        </a>
        <span className="muted">
          waits for {item.waiting_for.map(wanted => wanted.event_type).join(' or ')}
          {item.idle_since && `, since ${ago(item.idle_since)}`}
        </span>
        <span className="grow" />
        {mayAct && (
          <button aria-expanded={open} onClick={toggle}>
            {open ? 'Close' : 'Answer'}
          </button>
        )}
      </div>
      {question && <Question event={question} />}
      {open && <SendEvent handler={item} question={question} compact onSent={toggle} />}
    </li>
  );
}

export function Inbox() {
  const inbox = useInbox();
  const [open, setOpen] = useState<string | null>(null);
  const notifications = useNotificationChoice();
  if (inbox.isError) return <Failed what="The waiting runs could not be read" error={inbox.error} retry={() => void inbox.refetch()} />;
  if (!inbox.data) return <Loading what="the waiting runs" />;
  const waiting = inbox.data.handlers.filter(item => item.waiting_for.length > 0);
  return (
    <main className="page" id="main">
      <h1>Inbox</h1>
      {notifications && (
        <label>
          <input type="checkbox" checked={notifications.wanted} onChange={event => notifications.choose(event.target.checked)} /> tell me when a run
          asks while I look elsewhere
        </label>
      )}
      {waiting.length === 0 ? (
        <Empty>Nothing waits for you. Runs that ask a person show up here.</Empty>
      ) : (
        <>
          <p className="muted">
            {count(waiting.length)}
            {inbox.data.total > shown ? ` of ${count(inbox.data.total)}` : ''} waiting, the newest first
          </p>
          <ul className="inbox">
            {waiting.map(item => (
              <Waiting key={item.handler_id} item={item} open={open === item.handler_id} toggle={() => setOpen(open === item.handler_id ? null : item.handler_id)} />
            ))}
          </ul>
        </>
      )}
    </main>
  );
}
