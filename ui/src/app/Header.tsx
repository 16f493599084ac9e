// The bar at the top: where one is, how the connection is, what waits.
import { useSyncExternalStore } from 'react';
import { useConfig } from '../api/queries';
import { tabStream } from '../api/tabStream';
import { Icon } from '../common/Icon';
import { useNow } from '../common/useNow';
import { useInbox } from '../people/Inbox';
import { useNotifications } from '../people/notify';
import { href, useRoute } from './router';
import type { Theme } from './theme';

interface Props {
  theme: Theme;
  choose: (theme: Theme) => void;
  openHelp: () => void;
  openPalette: () => void;
}

function Connection() {
  const connection = useSyncExternalStore(tabStream.onConnection, () => tabStream.connection);
  const lost = connection.state === 'lost';
  const now = useNow(lost, 500);
  const said = {
    connecting: 'connecting…',
    live: 'live',
    resting: 'resting while hidden',
    lost: lost ? `reconnecting in ${Math.max(0, Math.ceil((connection.retryAt - now) / 1000))} s` : '',
  }[connection.state];
  return (
    <span className={`connection is-${connection.state}`} role="status">
      <span className="dot" /> {said}
      {lost && (
        <button className="quiet" onClick={tabStream.restart}>
          Now
        </button>
      )}
    </span>
  );
}

export function Header({ theme, choose, openHelp, openPalette }: Props) {
  const { path } = useRoute();
  const config = useConfig();
  const inbox = useInbox();
  const waiting = inbox.data?.total ?? 0;
  useNotifications(inbox.data?.total);
  const link = (to: string[], name: string, current: boolean) => (
    <a href={href(to)} aria-current={current ? 'page' : undefined}>
      {name}
    </a>
  );
  return (
    <header className="top">
      <a className="brand" href={href([])}>
        <svg className="logo" viewBox="0 0 16 16" aria-hidden="true">
          <path d="M2 6c2-2 4 2 6 0s4 2 6 0M2 10c2-2 4 2 6 0s4 2 6 0" />
        </svg>
        Weir
      </a>
      <nav aria-label="Pages">
        {link([], 'Workflows', path[0] === undefined || path[0] === 'w')}
        {link(['runs'], 'Runs', path[0] === 'runs')}
        {link(['inbox'], waiting > 0 ? `Inbox (${waiting})` : 'Inbox', path[0] === 'inbox')}
        {link(['import'], 'Open file', path[0] === 'import')}
      </nav>
      <span className="grow" />
      <button className="jump" onClick={openPalette}>
        <Icon name="search" /> <span className="jump-text">Jump to…</span> <kbd>Ctrl+K</kbd>
      </button>
      {config.data?.read_only && <span className="muted">read-only</span>}
      <Connection />
      <select aria-label="Theme" value={theme} onChange={event => choose(event.target.value as Theme)}>
        <option value="auto">auto</option>
        <option value="light">light</option>
        <option value="dark">dark</option>
      </select>
      <button className="quiet" aria-label="Keyboard shortcuts" title="Keyboard shortcuts  ?" onClick={openHelp}>
        <Icon name="help" />
      </button>
    </header>
  );
}
