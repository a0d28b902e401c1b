/** The service's option lists: styles, voices, avatars. Fetched once, when first needed. */
import { useEffect } from "react";
import { create } from "zustand";
import { kindForm } from "@/contract/kinds";
import type { AvatarSummary, Kind, paths, StyleSummary, VoiceSummary } from "@/contract/types";
import { humanize } from "@/messages/humanize";
import { useLabels } from "@/messages/labels";
import { api, unwrap } from "./api";
import { type ServiceError, toServiceError } from "./error";

/** A kind with styles to choose from. */
export type StyledKind = NonNullable<NonNullable<paths["/styles"]["get"]["parameters"]["query"]>["kind"]>;

type Lists = Record<StyledKind, StyleSummary[]> & { voices: VoiceSummary[]; avatars: AvatarSummary[] };
type Name = keyof Lists;

interface OptionLists {
  lists: Partial<Lists>;
  errors: Partial<Record<Name, ServiceError>>;
  load(name: Name): Promise<void>;
}

const loading = new Set<Name>();

/** The store of lists that were fetched so far. */
export const useOptionLists = create<OptionLists>()((set, get) => ({
  lists: {},
  errors: {},
  async load(name) {
    if (get().lists[name] || loading.has(name)) return;
    loading.add(name);
    try {
      const list = await fetchList(name);
      set(({ lists, errors: { [name]: _, ...errors } }) => ({ lists: { ...lists, [name]: list }, errors }));
    } catch (error) {
      set(({ errors }) => ({ errors: { ...errors, [name]: toServiceError(error) } }));
    } finally {
      loading.delete(name);
    }
  },
}));

async function fetchList(name: Name): Promise<Lists[Name]> {
  switch (name) {
    case "voices":
      return (await unwrap(api.GET("/voices"))).voices;
    case "avatars":
      return (await unwrap(api.GET("/avatars"))).avatars;
    default:
      return (await unwrap(api.GET("/styles", { params: { query: { kind: name } } }))).styles;
  }
}

/** One of the lists; null until it was fetched, with the error if that failed. Null as a name fetches nothing. */
export function useOptionList<List extends Name>(name: List | null) {
  const list = useOptionLists(({ lists }) => (name === null ? undefined : lists[name])) ?? null;
  const error = useOptionLists(({ errors }) => (name === null ? undefined : errors[name])) ?? null;
  const load = () => {
    if (name !== null) void useOptionLists.getState().load(name);
  };
  useEffect(load, [name]);
  return { list, error, retry: load };
}

/** Whether a kind has styles: its form sets them by a panel of their own. */
export const hasStyles = (kind: Kind): kind is StyledKind => kindForm(kind).customPanel.includes("style");

/** A function for the title of a kind's style by its name; the name in words until the list was fetched. */
export function useStyleTitle(kind: Kind): (name: string) => string {
  const labels = useLabels();
  const { list } = useOptionList(hasStyles(kind) ? kind : null);
  return (name) => {
    const style = list?.find((one) => one.name === name);
    return style ? labels.style(style, "title") : humanize(name);
  };
}
