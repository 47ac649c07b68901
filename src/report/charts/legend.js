// The names of a chart's series, above it. Plain JavaScript, because the page inlines this text and Node imports it.

/** Width of a series' key, and the room around keys and names. */
export const legendKeyPx = 14;
export const legendGapPx = 14;

export function shorten(text, length) {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

/** A name cut to what fits beside its key: a character is about 7 px wide. */
export function legendText(label, widthPx) {
  return shorten(label, Math.max(20, Math.floor((widthPx - legendKeyPx - 4 * legendGapPx) / 7)));
}

/** How many lines Chart.js breaks names of these widths into. */
export function legendLines(textWidthsPx, widthPx, sizePx) {
  let lines = 1;
  let usedPx = legendGapPx;
  textWidthsPx.forEach((textPx, index) => {
    const itemPx = legendKeyPx + sizePx / 2 + textPx;
    if (index > 0 && usedPx + itemPx + 2 * legendGapPx > widthPx) {
      lines++;
      usedPx = legendGapPx;
    }
    usedPx += itemPx + legendGapPx;
  });
  return lines;
}

/** Keys in the colour of the series itself: Chart.js would take the fill, which lines do not have. */
export function legendLabels(chart, spec, theme) {
  return chart.data.datasets.map((each, index) => ({
    text: legendText(each.label, chart.width),
    fontColor: theme.text,
    fillStyle: theme.colours[spec.series[index].colour],
    strokeStyle: theme.colours[spec.series[index].colour],
    lineDash: each.borderDash,
    lineWidth: spec.series[index].kind === 'bar' ? 0 : 2,
    pointStyle: spec.series[index].kind === 'dots' ? each.pointStyle : 'line',
    hidden: !chart.isDatasetVisible(index),
    datasetIndex: index,
  }));
}
