import type { RunResult } from '../../result/result.ts';
import { apiCharts } from './api-chart.ts';
import type { ChartSpec } from './chart-spec.ts';
import { heatMaps } from './heat-maps.ts';
import { nodeMaps } from './node-maps.ts';
import { startupCharts } from './startup-charts.ts';
import { timelineCharts } from './timeline-charts.ts';

/** Every chart that the result has figures for, as plain data, in the order in which a report shows them. */
export function chartsOf(result: RunResult): ChartSpec[] {
  return [
    ...startupCharts(result),
    ...timelineCharts(result),
    ...heatMaps(result),
    ...apiCharts(result),
    ...nodeMaps(result),
  ];
}
