// Many rows in a server's SQLite file at once: copies of one, made beside the server.
import { execFileSync } from 'node:child_process';
import { ended } from './peer.mjs';

const sql = (server, text) => execFileSync('sqlite3', ['-bail', server.file], { input: `.timeout 10000\n${text}`, encoding: 'utf8' }).trim();

/** The columns of a table but its key, those in `own` with values of their own. */
function copied(server, table, own) {
  const names = sql(server, `select name from pragma_table_info('${table}') where pk = 0;`).split('\n');
  return { names: names.join(','), values: names.map(name => own[name] ?? `one.${name}`).join(',') };
}

/** `count` handlers h1, h2 ... that have ended. */
export async function manyHandlers(server, count) {
  await ended(server, 'noop', {}, 'first');
  const handlers = copied(server, 'handlers', { handler_id: "'h' || i", run_id: "'r' || i" });
  const runs = copied(server, 'runs', { run_id: "'r' || i", handler: 'made.handler' });
  const numbers = `with recursive numbers(i) as (select 1 union all select i + 1 from numbers where i < ${count})`;
  sql(server, `begin;
    ${numbers} insert into handlers (${handlers.names}) select ${handlers.values} from numbers, handlers one where one.handler_id = 'first';
    ${numbers} insert into runs (${runs.names}) select ${runs.values} from numbers join handlers made on made.handler_id = 'h' || i,
      runs one where one.run_id = (select run_id from handlers where handler_id = 'first');
    commit;`);
}
