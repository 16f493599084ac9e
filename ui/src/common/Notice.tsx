// States that are not the content: nothing there, loading, an error. Each says what to do.
import { useEffect, useState, type ReactNode } from 'react';

export function Empty({ children }: { children: ReactNode }) {
  return <div className="notice empty">{children}</div>;
}

/** Only what takes long is worth saying. */
export function Loading({ what }: { what: string }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 150);
    return () => clearTimeout(timer);
  }, []);
  return late ? (
    <p className="notice muted" role="status">
      Loading {what}…
    </p>
  ) : null;
}

export function Failed({ what, error, retry }: { what: string; error: unknown; retry?: () => void }) {
  return (
    <div className="notice error" role="alert">
      <p>
        {what}: {error instanceof Error ? error.message : String(error)}
      </p>
      {retry && <button onClick={retry}>Try again</button>}
    </div>
  );
}
