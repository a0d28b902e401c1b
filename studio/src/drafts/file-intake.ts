/** Files on their way into a draft: opened one after the other, with what went wrong said where they were given. */
import { create } from "zustand";
import type { Kind } from "@/contract/types";
import { currentService } from "@/service/deployment";
import { type ServiceError, toServiceError } from "@/service/error";
import { useDrafts } from "./draft";
import { InputFileError, readInputFile } from "./input-file";

/** How the last file of a role fared. */
export interface IntakeStatus {
  busy: boolean;
  error: ServiceError | null;
}

interface Intake {
  /** `KIND/ROLE` → how it goes. */
  statuses: Record<string, IntakeStatus>;
  /** Opens a file and puts it into the draft. The newest file of a role wins, whichever is opened first. */
  addFile(kind: Kind, role: string, file: File, wanted: "picture" | "sound"): Promise<void>;
  /** Refuses what does not belong in a role, or takes an earlier refusal back (null). */
  setError(kind: Kind, role: string, error: ServiceError | null): void;
  /** Forgets how a kind's files fared. */
  clear(kind: Kind): void;
}

const newest = new Map<string, File>();

/** Where files come in. */
export const useFileIntake = create<Intake>()((set) => {
  const say = (key: string, status: IntakeStatus) =>
    set(({ statuses }) => ({ statuses: { ...statuses, [key]: status } }));
  return {
    statuses: {},
    async addFile(kind, role, file, wanted) {
      const key = `${kind}/${role}`;
      newest.set(key, file);
      say(key, { busy: true, error: null });
      try {
        const inputFile = await readInputFile(file, currentService().config.limits);
        if (inputFile.type !== wanted) throw new InputFileError(wanted === "sound" ? "sound_wanted" : "picture_wanted");
        if (newest.get(key) !== file) return;
        useDrafts.getState().setInput(kind, role, inputFile);
        say(key, { busy: false, error: null });
      } catch (error) {
        if (newest.get(key) === file) say(key, { busy: false, error: toServiceError(error) });
      }
    },
    setError(kind, role, error) {
      newest.delete(`${kind}/${role}`);
      say(`${kind}/${role}`, { busy: false, error });
    },
    clear(kind) {
      for (const key of newest.keys()) if (key.startsWith(`${kind}/`)) newest.delete(key);
      set(({ statuses }) => ({
        statuses: Object.fromEntries(Object.entries(statuses).filter(([key]) => !key.startsWith(`${kind}/`))),
      }));
    },
  };
});

const IDLE: IntakeStatus = { busy: false, error: null };

/** How a role's last file fared. */
export function useIntakeStatus(kind: Kind, role: string): IntakeStatus {
  return useFileIntake(({ statuses }) => statuses[`${kind}/${role}`]) ?? IDLE;
}
