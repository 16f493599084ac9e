import { Icon, type IconName } from './Icon';
import type { HandlerItem } from '../api/types';

export type ShownStatus = HandlerItem['status'] | 'waiting';

const icons: Record<ShownStatus, IconName> = { running: 'play', waiting: 'person', completed: 'check', failed: 'cross', cancelled: 'stop' };

/** A run that rests until an event comes waits for somebody. */
export function shownStatus(handler: { status: HandlerItem['status']; waiting_for?: unknown[] }): ShownStatus {
  return handler.status === 'running' && handler.waiting_for && handler.waiting_for.length > 0 ? 'waiting' : handler.status;
}

export function StatusBadge({ status }: { status: ShownStatus }) {
  return (
    <span className={`badge is-${status}`}>
      <Icon name={icons[status]} /> {status === 'waiting' ? 'needs input' : status}
    </span>
  );
}
