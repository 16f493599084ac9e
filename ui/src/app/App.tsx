// The frame of the page: what is shown where, and what is everywhere.
import { useEffect, useState } from 'react';
import { useLiveLists } from '../api/queries';
import { ErrorBoundary } from '../common/ErrorBoundary';
import { Empty } from '../common/Notice';
import { ComparePage } from '../compare/ComparePage';
import { ImportPage } from '../offline/ImportPage';
import { Inbox } from '../people/Inbox';
import { RunPage } from '../run/RunPage';
import { RunsPage } from '../runs/RunsPage';
import { Home } from '../workflows/Home';
import { WorkflowPage } from '../workflows/WorkflowPage';
import { ApiKeyDialog } from './ApiKeyDialog';
import { Header } from './Header';
import { Help } from './Help';
import { useShortcuts } from './keyboard';
import { Palette } from './Palette';
import { go, href, useRoute, type Route } from './router';
import { useTheme, type Theme } from './theme';

const themes: Theme[] = ['auto', 'light', 'dark'];

function Screen({ route, dark }: { route: Route; dark: boolean }) {
  const [area, workflow, what, handlerId] = route.path;
  const other = route.query.get('vs');
  if (area === undefined) return <Home />;
  if (area === 'runs') return <RunsPage />;
  if (area === 'inbox') return <Inbox />;
  if (area === 'import') return <ImportPage dark={dark} />;
  if (area === 'w' && workflow && what === 'r' && handlerId) {
    if (other) return <ComparePage key={`${handlerId} ${other}`} workflow={workflow} left={handlerId} right={other} dark={dark} />;
    return <RunPage key={handlerId} workflow={workflow} handlerId={handlerId} dark={dark} />;
  }
  if (area === 'w' && workflow && !what) return <WorkflowPage key={workflow} workflow={workflow} dark={dark} />;
  return (
    <main className="page" id="main">
      <Empty>
        There is no such page. <a href={href([])}>See the workflows</a>.
      </Empty>
    </main>
  );
}

export function App() {
  const route = useRoute();
  const { theme, dark, choose } = useTheme();
  const [help, setHelp] = useState(false);
  const [palette, setPalette] = useState(false);
  useLiveLists();
  useShortcuts({
    '?': () => setHelp(true),
    'Ctrl+K': () => setPalette(open => !open),
    'g h': () => go([]),
    'g r': () => go(['runs']),
    'g i': () => go(['inbox']),
    t: () => choose(themes[(themes.indexOf(theme) + 1) % themes.length]),
  });
  const place = href(route.path);
  useEffect(() => setPalette(false), [place]);
  return (
    <>
      <a className="skip" href="#main" onClick={event => {
        event.preventDefault();
        document.querySelector<HTMLElement>('#main a, #main button, #main input')?.focus();
      }}>
        Skip to the content
      </a>
      <Header theme={theme} choose={choose} openHelp={() => setHelp(true)} openPalette={() => setPalette(true)} />
      <ErrorBoundary name="page" key={place}>
        <Screen route={route} dark={dark} />
      </ErrorBoundary>
      {help && <Help close={() => setHelp(false)} />}
      {palette && <Palette close={() => setPalette(false)} />}
      <ApiKeyDialog />
    </>
  );
}
