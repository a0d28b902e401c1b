/** The service's option lists: styles, voices, avatars. Fetched once, when first needed. */
import { useEffect } from "react";
import { create } from "zustand";
import type { AvatarSummary, StyleSummary, VoiceSummary } from "@/contract/types";
import { api, unwrap } from "@/service/api";
import { type ServiceError, toServiceError } from "@/service/error";

interface Lists {
  restyle_room: StyleSummary[];
  generate: StyleSummary[];
  voices: VoiceSummary[];
  avatars: AvatarSummary[];
}

type Name = keyof Lists;

const SOURCES: { [List in Name]: () => Promise<Lists[List]> } = {
  restyle_room: async () => (await unwrap(api.GET("/styles", { params: { query: { kind: "restyle_room" } } }))).styles,
  generate: async () => (await unwrap(api.GET("/styles", { params: { query: { kind: "generate" } } }))).styles,
  voices: async () => (await unwrap(api.GET("/voices"))).voices,
  avatars: async () => (await unwrap(api.GET("/avatars"))).avatars,
};

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
      const list = await SOURCES[name]();
      set(({ lists, errors: { [name]: _, ...errors } }) => ({ lists: { ...lists, [name]: list }, errors }));
    } catch (error) {
      set(({ errors }) => ({ errors: { ...errors, [name]: toServiceError(error) } }));
    } finally {
      loading.delete(name);
    }
  },
}));

/** One of the lists; null until it was fetched, with the error if that failed. */
export function useOptionList<List extends Name>(name: List) {
  const list = useOptionLists(({ lists }) => lists[name]) ?? null;
  const error = useOptionLists(({ errors }) => errors[name]) ?? null;
  useEffect(() => {
    void useOptionLists.getState().load(name);
  }, [name]);
  return { list, error, retry: () => void useOptionLists.getState().load(name) };
}
