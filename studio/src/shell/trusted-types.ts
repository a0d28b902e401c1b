/** Trusted Types: the page's policy refuses markup made of text, with one harmless exception. */

interface TrustedTypes {
  createPolicy(name: "default", rules: { createHTML(text: string): string | null }): unknown;
}

/**
 * Allow the empty text as markup, and nothing else. Konva empties its container by `innerHTML = ""`. Browsers without
 * Trusted Types need nothing.
 */
export function allowEmptyMarkup(scope: object = globalThis): void {
  const { trustedTypes } = scope as { trustedTypes?: TrustedTypes };
  trustedTypes?.createPolicy("default", { createHTML: (text) => (text === "" ? "" : null) });
}
