/** The package has no types of its own. Values are texts, as on the wire. */
declare module 'parse-prometheus-text-format' {
  type Metric = { value?: string; labels?: Record<string, string> };
  type Family = { name: string; help: string; type: string; metrics: Metric[] };
  const parsePrometheusTextFormat: (text: string) => Family[];
  export = parsePrometheusTextFormat;
}
