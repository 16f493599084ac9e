// How the workflow's last runs went, step by step.
import { useStatistics } from '../api/queries';
import { href, runPath } from '../app/router';
import { Empty, Failed, Loading } from '../common/Notice';
import { ago, count, duration } from '../common/format';
import { Sparkline } from '../common/Sparkline';
import { StatusBadge } from '../common/StatusBadge';

const runsShown = 10;
const time = (milliseconds: number | null) => (milliseconds === null ? '' : duration(milliseconds));

export function Statistics({ workflow }: { workflow: string }) {
  const statistics = useStatistics(workflow);
  if (statistics.isError) return <Failed what="The statistics could not be read" error={statistics.error} retry={() => void statistics.refetch()} />;
  if (!statistics.data) return <Loading what="the statistics" />;
  const { runs, steps, recent } = statistics.data;
  if (recent.length === 0) return <Empty>No run has ended yet.</Empty>;
  return (
    <div className="panel-body" data-testid="statistics">
      <h3>Steps, in the last {runs === 1 ? 'run' : `${count(runs)} runs`} that ended</h3>
      <table>
        <thead>
          <tr>
            <th>Step</th>
            <th className="number" title="Each attempt counts">
              Runs
            </th>
            <th className="number">Failed</th>
            <th className="number" title="Half took at most so long">
              Half
            </th>
            <th className="number" title="19 of 20 took at most so long">
              19/20
            </th>
            <th className="number" title="19 of 20 waited at most so long for a worker">
              Queued
            </th>
          </tr>
        </thead>
        <tbody>
          {steps.map(step => (
            <tr key={step.step}>
              <td>{step.step}</td>
              <td className="number">{count(step.count)}</td>
              <td className="number">{step.failed || ''}</td>
              <td className="number">{time(step.p50_ms)}</td>
              <td className="number">{time(step.p95_ms)}</td>
              <td className="number">{time(step.queued_p95_ms)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <h3>The last runs</h3>
      <Sparkline values={recent.map(run => run.duration_ms).reverse()} label={`How long the last ${recent.length} runs took`} />
      <table>
        <tbody>
          {recent.slice(0, runsShown).map(run => (
            <tr key={run.handler_id}>
              <td>
                <a href={href(runPath(workflow, run.handler_id))}>{run.handler_id}</a>
              </td>
              <td>
                <StatusBadge status={run.status} />
              </td>
              <td className="number">{duration(run.duration_ms)}</td>
              <td className="muted">{ago(run.started_at)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
