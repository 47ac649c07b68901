const bounds = ['0.05', '0.1', '0.2', '2', '+Inf'];

/** One series of API calls in the text format, cumulative counts by bound: 50 ms, 100 ms, 200 ms, 2 s and beyond. */
export function callSeries(labels: Record<string, string>, counts: readonly number[]): string {
  const all = { component: 'apiserver', group: '', version: 'v1', subresource: '', ...labels };
  return histogramText('apiserver_request_sli_duration_seconds', all, bounds, counts);
}

/** One series of a histogram in the text format. */
export function histogramText(
  family: string,
  labels: Record<string, string>,
  le: readonly string[],
  counts: readonly number[],
): string {
  const text = (extra: Record<string, string>): string =>
    Object.entries({ ...labels, ...extra })
      .map(([key, value]) => `${key}="${value}"`)
      .join(',');
  return [
    ...le.map((bound, i) => `${family}_bucket{${text({ le: bound })}} ${counts[i]}`),
    `${family}_sum{${text({})}} 12.5`,
    `${family}_count{${text({})}} ${counts.at(-1)}`,
  ].join('\n');
}

/** An answer of /metrics of a process that started at a time, in seconds. */
export function metricsPage(startTime: number, ...parts: string[]): string {
  return [
    '# HELP apiserver_request_sli_duration_seconds [ALPHA] Response latency',
    '# TYPE apiserver_request_sli_duration_seconds histogram',
    ...parts,
    '# TYPE process_start_time_seconds gauge',
    `process_start_time_seconds ${startTime}`,
    '# TYPE process_start_time_seconds_of_another gauge',
    'unrelated{a="b"} 1',
    '',
  ].join('\n');
}
