// Fewer points where more would not show. Plain JavaScript, because the page inlines this text and Node imports it.

/**
 * Lists of [x, y] with rising x, cut to a range and thinned: of each of `bucketsMax` buckets the first and last point
 * and each list's lowest and highest stay, so that no peak is lost. Lists of one length keep the same places, as their
 * points belong together (stacked shares, tooltips).
 *
 * A bucket without any value stays a gap; one that is narrower may close. One point beyond each end of the range stays,
 * so that lines go on to the edge.
 *
 * @param range `{ from, to }` of x; all without
 */
export function thinned(lists, range, bucketsMax) {
  const together = lists.every((points) => points.length === lists[0].length);
  if (together) return thinnedTogether(lists, range, bucketsMax);
  return lists.flatMap((points) => thinnedTogether([points], range, bucketsMax));
}

function thinnedTogether(lists, range, bucketsMax) {
  const [first] = lists;
  if (first === undefined) return [];
  const start = range ? Math.max(0, firstFrom(first, range.from) - 1) : 0;
  const end = range ? Math.min(first.length, firstFrom(first, range.to) + 1) : first.length;
  const count = end - start;
  // Up to as many points as would stay of one list, all stay.
  if (count <= 4 * bucketsMax) return lists.map((points) => points.slice(start, end));
  const kept = new Set([start, end - 1]);
  for (let bucket = 0; bucket < bucketsMax; bucket++) {
    const from = start + Math.floor((bucket * count) / bucketsMax);
    const to = start + Math.floor(((bucket + 1) * count) / bucketsMax);
    for (const points of lists) keepOf(points, from, to, kept);
  }
  const places = [...kept].sort((a, b) => a - b);
  return lists.map((points) => places.map((place) => points[place]));
}

/** The place of the first point whose x is not below a value. */
function firstFrom(points, x) {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle][0] < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Adds the places of the first, last, lowest and highest value among those from `from` up to `to`. */
function keepOf(points, from, to, kept) {
  let lowest = -1;
  let highest = -1;
  let last = -1;
  for (let at = from; at < to; at++) {
    const y = points[at][1];
    if (y === null) continue;
    if (last === -1) kept.add(at);
    last = at;
    if (lowest === -1 || y < points[lowest][1]) lowest = at;
    if (highest === -1 || y > points[highest][1]) highest = at;
  }
  for (const at of last === -1 ? [from] : [lowest, highest, last]) kept.add(at);
}
