/** Files on their way into a draft: opened one after the other, with what went wrong said where they were given. */
import { create } from "zustand";
import type { Kind } from "@/contract/types";
import { serviceNow } from "@/service/deployment";
import { type ServiceError, toServiceError } from "@/service/error";
import { useDrafts } from "./draft";
import { MaterialError, read } from "./input-file";

/** How the last file of a role fared. */
export interface Taking {
  busy: boolean;
  error: ServiceError | null;
}

interface Intake {
  /** `KIND/ROLE` → how it goes. */
  takings: Record<string, Taking>;
  /** Opens a file and puts it into the draft. The newest file of a role wins, whichever is opened first. */
  take(kind: Kind, role: string, file: File, wanted: "picture" | "sound"): Promise<void>;
  /** Refuses what does not belong in a role, or takes an earlier refusal back (null). */
  refuse(kind: Kind, role: string, error: ServiceError | null): void;
  /** Forgets how a kind's files fared. */
  forget(kind: Kind): void;
}

const newest = new Map<string, File>();

/** Where files come in. */
export const useIntake = create<Intake>()((set) => {
  const say = (key: string, taking: Taking) => set(({ takings }) => ({ takings: { ...takings, [key]: taking } }));
  return {
    takings: {},
    async take(kind, role, file, wanted) {
      const key = `${kind}/${role}`;
      newest.set(key, file);
      say(key, { busy: true, error: null });
      try {
        const material = await read(file, serviceNow().config.limits);
        if (material.type !== wanted) throw new MaterialError(wanted === "sound" ? "sound_wanted" : "picture_wanted");
        if (newest.get(key) !== file) return;
        useDrafts.getState().setMaterial(kind, role, material);
        say(key, { busy: false, error: null });
      } catch (error) {
        if (newest.get(key) === file) say(key, { busy: false, error: toServiceError(error) });
      }
    },
    refuse(kind, role, error) {
      newest.delete(`${kind}/${role}`);
      say(`${kind}/${role}`, { busy: false, error });
    },
    forget(kind) {
      for (const key of newest.keys()) if (key.startsWith(`${kind}/`)) newest.delete(key);
      set(({ takings }) => ({
        takings: Object.fromEntries(Object.entries(takings).filter(([key]) => !key.startsWith(`${kind}/`))),
      }));
    },
  };
});

const IDLE: Taking = { busy: false, error: null };

/** How a role's last file fared. */
export function useTaking(kind: Kind, role: string): Taking {
  return useIntake(({ takings }) => takings[`${kind}/${role}`]) ?? IDLE;
}
