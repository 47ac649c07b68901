// Pages of the history. They are whole without scripts; these draw charts and write times as the reader knows them.
import { drawChart, sizeBoxes } from './draw-charts.js';
import { setUpTheme } from './theme-button.js';

const specs = JSON.parse(document.getElementById('charts').textContent);

for (const element of document.querySelectorAll('time')) {
  const date = new Date(element.dateTime);
  if (Number.isNaN(date.getTime())) continue;
  element.textContent = date.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
}

// Two runs can be compared: with two marked, no third can be.
const marks = [...document.querySelectorAll('input[name="run"]')];
const compare = document.getElementById('compare');
function showMarks() {
  const count = marks.filter((mark) => mark.checked).length;
  for (const mark of marks) mark.disabled = count >= 2 && !mark.checked;
  compare.disabled = count !== 2;
}
if (compare && marks.length > 0) {
  for (const mark of marks) mark.addEventListener('change', showMarks);
  showMarks();
}

// A choice by pointer is taken at once. By key one passes the others on the way to it: then the button says when.
for (const choice of document.querySelectorAll('form.filter select')) {
  let isByPointer = false;
  choice.addEventListener('pointerdown', () => (isByPointer = true));
  choice.addEventListener('keydown', () => (isByPointer = false));
  choice.addEventListener('change', () => {
    if (isByPointer) choice.form.requestSubmit();
  });
}

sizeBoxes();
setUpTheme((dark) => {
  for (const spec of specs) drawChart(spec, dark);
});
