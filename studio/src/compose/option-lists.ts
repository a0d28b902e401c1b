/** What the service has to choose from: styles, voices, portraits. Asked for once, when first needed. */
import { useEffect } from "react";
import { create } from "zustand";
import type { AvatarSummary, StyleSummary, VoiceSummary } from "@/contract/types";
import { answered, api } from "@/service/api";
import { type ServiceError, toServiceError } from "@/service/error";

interface Lists {
  restyle_room: StyleSummary[];
  generate: StyleSummary[];
  voices: VoiceSummary[];
  avatars: AvatarSummary[];
}

type Name = keyof Lists;

const SOURCES: { [List in Name]: () => Promise<Lists[List]> } = {
  restyle_room: async () =>
    (await answered(api.GET("/styles", { params: { query: { kind: "restyle_room" } } }))).styles,
  generate: async () => (await answered(api.GET("/styles", { params: { query: { kind: "generate" } } }))).styles,
  voices: async () => (await answered(api.GET("/voices"))).voices,
  avatars: async () => (await answered(api.GET("/avatars"))).avatars,
};

interface Catalogue {
  lists: Partial<Lists>;
  errors: Partial<Record<Name, ServiceError>>;
  load(name: Name): Promise<void>;
}

const loading = new Set<Name>();

/** The lists that are there so far. */
export const useCatalogue = create<Catalogue>()((set, get) => ({
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

/** One of the lists; null until it is there, with the error when it could not be had. */
export function useListOf<List extends Name>(name: List) {
  const list = useCatalogue(({ lists }) => lists[name]) ?? null;
  const error = useCatalogue(({ errors }) => errors[name]) ?? null;
  useEffect(() => {
    void useCatalogue.getState().load(name);
  }, [name]);
  return { list, error, retry: () => void useCatalogue.getState().load(name) };
}
