import { Icon, type IconName } from './Icon';
import type { HandlerItem } from '../api/types';

export type ShownStatus = HandlerItem['status'] | 'waiting' | 'quarantined';

const icons: Record<ShownStatus, IconName> = {
  running: 'play',
  waiting: 'person',
  quarantined: 'warning',
  completed: 'check',
  failed: 'cross',
  cancelled: 'stop',
};

export const statusName = (status: ShownStatus): string => (status === 'waiting' ? 'needs input' : status === 'quarantined' ? 'quarantined' : status);

/** A run that rests until an event comes waits for somebody; one that was quarantined, for somebody who resumes it. */
export function shownStatus(handler: { status: HandlerItem['status']; waiting_for?: unknown[]; quarantined?: boolean }): ShownStatus {
  if (handler.status !== 'running') return handler.status;
  if (handler.quarantined) return 'quarantined';
  return handler.waiting_for && handler.waiting_for.length > 0 ? 'waiting' : 'running';
}

export function StatusBadge({ status }: { status: ShownStatus }) {
  return (
    <span className={`badge is-${status}`}>
      <Icon name={icons[status]} /> {statusName(status)}
    </span>
  );
}
