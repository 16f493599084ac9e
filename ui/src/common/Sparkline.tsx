// Some numbers as small bars, the newest at the right.
const bars = 30;
const [step, width, height] = [4, 3, 20];

export function Sparkline({ values, label }: { values: number[]; label: string }) {
  const shown = values.slice(-bars);
  const largest = Math.max(...shown, Number.MIN_VALUE);
  return (
    <svg className="sparkline" role="img" aria-label={label} viewBox={`0 0 ${bars * step} ${height}`} preserveAspectRatio="none">
      {shown.map((value, index) => {
        const tall = Math.max(1, (value / largest) * height);
        return <rect key={index} x={(bars - shown.length + index) * step} y={height - tall} width={width} height={tall} />;
      })}
    </svg>
  );
}
