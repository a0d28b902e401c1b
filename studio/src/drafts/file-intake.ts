/** Reads chosen files into drafts, one after the other, and tracks the status of each role. */
import { create } from "zustand";
import type { Kind } from "@/contract/types";
import { uploadRoles } from "@/contract/upload-roles";
import { currentService } from "@/service/deployment";
import { type ServiceError, toServiceError } from "@/service/error";
import { useDrafts } from "./draft";
import { InputFileError, readInputFile } from "./input-file";

/** The status of a role's last file. */
export interface IntakeStatus {
  busy: boolean;
  error: ServiceError | null;
}

interface Intake {
  /** `KIND/ROLE` → status. */
  statuses: Record<string, IntakeStatus>;
  /** Reads a file and adds it to the draft. The newest file of a role wins, whatever is read first. */
  addFile(kind: Kind, role: string, file: File, wanted: "picture" | "sound"): Promise<void>;
  /** Sets or clears (null) the error of a role. */
  setError(kind: Kind, role: string, error: ServiceError | null): void;
  /** Clears the statuses of a kind. */
  clear(kind: Kind): void;
}

const newest = new Map<string, File>();

/** The store of file statuses. */
export const useFileIntake = create<Intake>()((set) => {
  const setStatus = (key: string, status: IntakeStatus) =>
    set(({ statuses }) => ({ statuses: { ...statuses, [key]: status } }));
  return {
    statuses: {},
    async addFile(kind, role, file, wanted) {
      const key = `${kind}/${role}`;
      newest.set(key, file);
      setStatus(key, { busy: true, error: null });
      try {
        // A mask is painted on the photo.
        const mustShow = uploadRoles(kind).some(({ painted }) => painted);
        const inputFile = await readInputFile(file, currentService().config.limits, { mustShow });
        if (inputFile.type !== wanted) throw new InputFileError(wanted === "sound" ? "sound_wanted" : "picture_wanted");
        if (newest.get(key) !== file) return;
        useDrafts.getState().setInput(kind, role, inputFile);
        setStatus(key, { busy: false, error: null });
      } catch (error) {
        if (newest.get(key) === file) setStatus(key, { busy: false, error: toServiceError(error) });
      }
    },
    setError(kind, role, error) {
      newest.delete(`${kind}/${role}`);
      setStatus(`${kind}/${role}`, { busy: false, error });
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

/** The status of a role's last file. */
export function useIntakeStatus(kind: Kind, role: string): IntakeStatus {
  return useFileIntake(({ statuses }) => statuses[`${kind}/${role}`]) ?? IDLE;
}
