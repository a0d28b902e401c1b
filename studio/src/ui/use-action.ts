import { useState } from "react";
import { type ServiceError, toServiceError } from "@/service/error";

/** An asynchronous action of a button: whether it is running, and its error. */
export interface Action {
  busy: boolean;
  error: ServiceError | null;
  /** Runs the work unless it is running already. */
  run(work: () => Promise<unknown>): void;
}

/** A hook for a button's asynchronous action. */
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
