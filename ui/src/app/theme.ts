import { useCallback, useEffect, useLayoutEffect, useState } from 'react';
import { remember, remembered } from './preferences';

export type Theme = 'auto' | 'light' | 'dark';
const system = matchMedia('(prefers-color-scheme: dark)');

/** The chosen theme, whether it is dark now, and how to choose the next one. */
export function useTheme() {
  const [theme, setTheme] = useState<Theme>(() => remembered('theme', 'auto'));
  const [systemDark, setSystemDark] = useState(system.matches);
  useEffect(() => {
    const listen = () => setSystemDark(system.matches);
    system.addEventListener('change', listen);
    return () => system.removeEventListener('change', listen);
  }, []);
  const dark = theme === 'dark' || (theme === 'auto' && systemDark);
  // Before anything paints with its colours.
  useLayoutEffect(() => {
    document.documentElement.dataset.theme = dark ? 'dark' : 'light';
  }, [dark]);
  const choose = useCallback((next: Theme) => {
    setTheme(next);
    remember('theme', next);
  }, []);
  return { theme, dark, choose };
}
