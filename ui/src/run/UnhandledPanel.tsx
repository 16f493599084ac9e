// What was sent to a run, or in it, and nobody took: most often an answer that came when nothing waited for it.
import type { HandlerDetail } from '../api/types';
import { setQuery } from '../app/router';
import { Icon } from '../common/Icon';
import { dateTime } from '../common/format';

interface Props {
  handler: HandlerDetail;
  sendAgain: ((type: string, value: unknown) => void) | undefined; // only where events may be sent
}

export function UnhandledPanel({ handler, sendAgain }: Props) {
  const { count, newest } = handler.unhandled;
  if (count === 0) return null;
  return (
    <details className="unhandled-panel" data-testid="unhandled">
      <summary>
        <Icon name="warning" /> {count === 1 ? '1 event that nothing took' : `${count} events that nothing took`}
      </summary>
      <ul>
        {newest.map(event => (
          <li key={event.sequence}>
            <button className="link" onClick={() => setQuery({ seq: String(event.sequence) })}>
              #{event.sequence}
            </button>{' '}
            {dateTime(event.at)} <b>{event.event_type}</b>
            {event.step && ` for step ${event.step}`} <code>{event.value ? JSON.stringify(event.value) : `${event.value_bytes} bytes`}</code>{' '}
            {sendAgain && event.value && (
              <button className="link" onClick={() => sendAgain(event.event_type, event.value)}>
                Send again…
              </button>
            )}
          </li>
        ))}
        {count > newest.length && <li className="muted">and {count - newest.length} before</li>}
      </ul>
    </details>
  );
}
