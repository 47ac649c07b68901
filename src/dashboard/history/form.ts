import { type Markup, html } from '../../report/html/markup.ts';

/** One choice of a form; the first of them is that of everything. */
export function choice(
  name: string,
  label: string,
  values: readonly string[],
  chosen: string,
  all: string | undefined,
): Markup {
  const options = values.map(
    (value) => html`<option value="${value}"${value === chosen && html` selected`}>${value}</option>`,
  );
  return html`<label>${label} <select name="${name}">${all !== undefined && html`<option value="">${all}</option>`}${options}</select></label>`;
}
