export function legendLines(textWidthsPx: readonly number[], widthPx: number, sizePx: number): number;
export function legendText(label: string, widthPx: number): string;
