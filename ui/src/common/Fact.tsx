// One line of a list of facts.
import type { ReactNode } from 'react';

export function Fact({ name, error, children }: { name: string; error?: boolean; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd className={error ? 'error-text' : undefined}>{children}</dd>
    </>
  );
}
