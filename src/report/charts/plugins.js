// What Chart.js does not draw by itself. Plain JavaScript, because the page inlines this text and Node imports it.

/** Shades the phases of a run behind the chart and names those that are wide enough for their name. */
export const bandsPlugin = {
  id: 'bands',
  beforeDatasetsDraw(chart, _args, options) {
    const { ctx, chartArea, scales } = chart;
    if (!scales.x || !options.bands) return;
    ctx.save();
    ctx.font = `${options.size}px ${options.family}`;
    ctx.textBaseline = 'top';
    options.bands.forEach((band, index) => {
      const left = Math.max(chartArea.left, scales.x.getPixelForValue(band.from));
      const right = Math.min(chartArea.right, scales.x.getPixelForValue(band.to));
      if (right <= left) return;
      if (index % 2 === 1) {
        ctx.fillStyle = options.fill;
        ctx.fillRect(left, chartArea.top, right - left, chartArea.bottom - chartArea.top);
      }
      ctx.fillStyle = options.text;
      if (ctx.measureText(band.label).width < right - left - 8) {
        ctx.fillText(band.label, left + 4, chartArea.top + 3);
      }
    });
    ctx.restore();
  },
};

/** Draws thresholds and percentiles as dashed lines with a label. */
export const markersPlugin = {
  id: 'markers',
  afterDatasetsDraw(chart, _args, options) {
    const { ctx, chartArea: area, scales } = chart;
    if (!options.markers) return;
    ctx.save();
    ctx.font = `600 ${options.size}px ${options.family}`;
    ctx.setLineDash([5, 4]);
    ctx.lineWidth = 1.25;
    const plates = [];
    for (const marker of options.markers) {
      const at = scales[marker.axis].getPixelForValue(marker.value);
      const vertical = marker.axis === 'x';
      if (vertical ? at < area.left || at > area.right : at < area.top || at > area.bottom) continue;
      ctx.strokeStyle = options.colours[marker.role];
      ctx.beginPath();
      ctx.moveTo(vertical ? at : area.left, vertical ? area.top : at);
      ctx.lineTo(vertical ? at : area.right, vertical ? area.bottom : at);
      ctx.stroke();
      const width = ctx.measureText(marker.label).width;
      const besideRight = vertical && at + width + 6 > area.right;
      const left = vertical ? (besideRight ? at - width - 6 : at + 6) : area.left + 6;
      let top = vertical ? area.top + 4 : at + (at - area.top < 18 ? 4 : -options.size - 5);
      const height = options.size + 5;
      const inTheWay = (plate) =>
        left - 3 < plate.right && left + width + 3 > plate.left && Math.abs(top - plate.top) < height;
      // Below labels that are there already: two percentiles may be close to each other.
      for (let plate = plates.find(inTheWay); plate; plate = plates.find(inTheWay)) top = plate.top + height;
      plates.push({ left: left - 3, right: left + width + 3, top });
      // A plate under the text, or it cannot be read where it crosses a bar or a curve.
      ctx.fillStyle = options.plate;
      ctx.fillRect(left - 3, top - 2, width + 6, height);
      ctx.fillStyle = options.colours[marker.role];
      ctx.textBaseline = 'top';
      ctx.fillText(marker.label, left, top);
    }
    ctx.restore();
  },
};

/** A hair line at the point that the reader is looking at. */
export const crosshairPlugin = {
  id: 'crosshair',
  afterDatasetsDraw(chart, _args, options) {
    const active = chart.tooltip && chart.tooltip.getActiveElements()[0];
    if (!active || options.off) return;
    const { ctx, chartArea } = chart;
    ctx.save();
    ctx.strokeStyle = options.colour;
    ctx.lineWidth = 1;
    ctx.beginPath();
    ctx.moveTo(active.element.x, chartArea.top);
    ctx.lineTo(active.element.x, chartArea.bottom);
    ctx.stroke();
    ctx.restore();
  },
};
