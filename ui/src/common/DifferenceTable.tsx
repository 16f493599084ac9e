import type { Difference } from '../model/diff';
import { preview } from './format';

const shown = 100;
const side = (value: unknown) => (value === undefined ? <span className="muted">absent</span> : preview(value, 120));

export function DifferenceTable({ differences, left, right }: { differences: Difference[]; left: string; right: string }) {
  if (differences.length === 0) return <p className="muted">The payloads are the same.</p>;
  return (
    <table className="differences">
      <thead>
        <tr>
          <th>Where</th>
          <th>{left}</th>
          <th>{right}</th>
        </tr>
      </thead>
      <tbody>
        {differences.slice(0, shown).map(difference => (
          <tr key={difference.path}>
            <td>
              <code>{difference.path}</code>
            </td>
            <td className="removed">{side(difference.left)}</td>
            <td className="added">{side(difference.right)}</td>
          </tr>
        ))}
        {differences.length > shown && (
          <tr>
            <td colSpan={3} className="muted">
              {differences.length - shown} more
            </td>
          </tr>
        )}
      </tbody>
    </table>
  );
}
