/** Numbers, dates and sizes in the language of the page. */

const KILOBYTE = 1000;

/** Format US dollars: two decimal places, more for small amounts. */
export function formatUsd(usd: number, language: string): string {
  const places = usd === 0 || usd >= 0.1 ? 2 : usd >= 0.0001 ? 4 : 6;
  return new Intl.NumberFormat(language, {
    style: "currency",
    currency: "USD",
    minimumFractionDigits: 2,
    maximumFractionDigits: places,
  }).format(usd);
}

/** Format a date and time. */
export function formatDateTime(iso: string, language: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(iso));
}

/** Format seconds with one decimal place; two below 0.1. */
export function formatSeconds(value: number, language: string): string {
  return new Intl.NumberFormat(language, { maximumFractionDigits: value < 0.1 ? 2 : 1 }).format(value);
}

/** Format a file size. */
export function formatBytes(size: number, language: string): string {
  const [value, unit] = size < KILOBYTE * KILOBYTE ? [size / KILOBYTE, "kilobyte"] : [size / KILOBYTE ** 2, "megabyte"];
  return new Intl.NumberFormat(language, { style: "unit", unit, maximumSignificantDigits: 3 }).format(value);
}
