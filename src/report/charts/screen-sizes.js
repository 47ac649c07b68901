// Plain JavaScript, because the page inlines this text.

/** How large text in charts is on a screen: as the page's own, which grows with what the reader has set. */
export function screenSizes() {
  const scale = Number.parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
  const { fontFamily } = getComputedStyle(document.body);
  return { family: fontFamily, tick: 12 * scale, title: 16 * scale, heading: false };
}
