// Some numbers as small bars, the newest at the right.
export function Sparkline({ values, label }: { values: number[]; label: string }) {
  const largest = Math.max(...values, Number.MIN_VALUE);
  return (
    <svg className="sparkline" role="img" aria-label={label} viewBox={`0 0 ${values.length * 4} 20`} preserveAspectRatio="none">
      {values.map((value, index) => {
        const height = Math.max(1, (value / largest) * 20);
        return <rect key={index} x={index * 4} y={20 - height} width={3} height={height} />;
      })}
    </svg>
  );
}
