/** Lookup of messages whose keys are only known at run time: those of kinds, params, roles and stages. */
import type { Namespace, TFunction } from "i18next";

type UntypedTranslate = (keys: readonly string[], options: Readonly<Record<string, unknown>>) => string;

/** The text of the first key that exists, in the page's language or in English; null if none does. */
export function findMessage<Names extends Namespace>(
  t: TFunction<Names>,
  keys: readonly string[],
  values: Readonly<Record<string, unknown>> = {},
): string | null {
  // i18next has types only for keys that are known at build time.
  return (t as unknown as UntypedTranslate)(keys, { ...values, defaultValue: "" }) || null;
}
