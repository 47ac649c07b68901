// Charts of a page, drawn by Chart.js from the same definitions as the report's.
import { hydrate } from '../../report/charts/hydrate.js';
import { screenSizes } from '../../report/charts/screen-sizes.js';
import { themes } from '../../report/charts/themes.js';

const drawn = new Map();

/** Draws a chart into the canvas that is there for it, or anew when its figures or the theme are others. */
export function drawChart(spec, dark) {
  const canvas = document.querySelector(`canvas[data-chart="${CSS.escape(spec.id)}"]`);
  if (!canvas) return;
  const { data, options, ...rest } = hydrate(spec, dark ? themes.dark : themes.light, screenSizes());
  const chart = drawn.get(spec.id);
  if (!chart) {
    drawn.set(spec.id, new Chart(canvas, { data, options, ...rest }));
    return;
  }
  // In place: what the reader is pointing at stays.
  Object.assign(chart, { data, options });
  chart.update('none');
}

/** A chart's box is as high as the page says. */
export function sizeBoxes() {
  for (const box of document.querySelectorAll('[data-height]')) {
    box.style.height = `${box.dataset.height / 16}rem`;
  }
}
