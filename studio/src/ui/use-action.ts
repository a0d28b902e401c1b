import { useState } from "react";
import { type ServiceError, toServiceError } from "@/service/error";

/** Something that a press begins: whether it goes on, and what became of it. */
export interface Action {
  busy: boolean;
  error: ServiceError | null;
  /** Begins the work, unless it goes on already. */
  run(work: () => Promise<unknown>): void;
}

/** The state of a button that asks the service for something. */
export function useAction(): Action {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ServiceError | null>(null);
  return {
    busy,
    error,
    run(work) {
      if (busy) return;
      setBusy(true);
      setError(null);
      void work()
        .catch((thrown: unknown) => setError(toServiceError(thrown)))
        .finally(() => setBusy(false));
    },
  };
}
