import { Dialog } from '../common/Dialog';
import { shortcuts } from './keyboard';

export function Help({ close }: { close: () => void }) {
  return (
    <Dialog title="Keyboard shortcuts" close={close}>
      <h2>Keyboard shortcuts</h2>
      <table>
        <tbody>
          {shortcuts.map(({ keys, does }) => (
            <tr key={keys}>
              <td>
                <kbd>{keys}</kbd>
              </td>
              <td>{does}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <div className="actions">
        <button onClick={close}>Close</button>
        <a href="./licenses.txt">Licenses</a>
      </div>
    </Dialog>
  );
}
